using System.Diagnostics;
using System.Globalization;
using HostMemd.Client;
using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>Fills memory as jobs, and waits for them.</summary>
static class FillVerb
{
    static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(100);

    // The daemon answers a cancelled job before the pages are given back.
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    static readonly OperandRow s_ids = new("ID", "The memory to fill.", Sources.Ids) { IsMany = true };
    static readonly OptionRow s_threads = new("threads", 't', "N", "At most so many threads for each.");
    static readonly OptionRow s_noWait = new("no-wait", '\0', null, "Print the ids of the jobs and do not wait for them.");

    public static readonly VerbRow Row = new("fill", "Fill memory ahead of use.", RunAsync)
    {
        Operands = [s_ids],
        Options = [s_threads, s_noWait],
        Details =
        [
            "Waits, with a bar on a terminal. An interrupt (Ctrl-C) cancels the fillings; the pages that they filled are given back.",
            "Where it does not wait, 'hostmemctl jobs' shows how far they are, and 'hostmemctl dismiss JOB' forgets those that are over.",
        ],
    };

    /// <summary>What is known of one filling. <c>State</c> is null until the daemon was asked.</summary>
    sealed class Filling(string id)
    {
        public string Id => id;
        public string Job { get; } = string.Create(CultureInfo.InvariantCulture, $"ctl-{Environment.ProcessId}-{id}");
        public ulong Before { get; set; }
        public FillState? State { get; set; }
        public TimeSpan Took { get; set; }
    }

    static async Task<int> RunAsync(Invocation call)
    {
        var threads = call.Number(s_threads, 1, 65535);
        using var client = await call.ConnectAsync(outOfBand: true).ConfigureAwait(false);
        var status = ExitStatus.Done;
        var started = new List<Filling>();
        foreach (var id in call.Words(s_ids).Distinct())
        {
            var filling = new Filling(id);
            try
            {
                filling.Before = (await client.QueryStatsAsync(id).ConfigureAwait(false))[0].Resident;
                await client.PreallocAsync(id, filling.Job, threads).ConfigureAwait(false);
                started.Add(filling);
            }
            catch (QmpException refusal)
            {
                call.Complain($"{id}: {refusal.Message}");
                status = ExitStatus.Refused;
            }
        }
        if (call.Has(s_noWait))
        {
            foreach (var filling in started)
                call.Out.Write(filling.Job + "\n");
            return status;
        }
        using var interrupt = new Interrupt();
        var watch = Stopwatch.StartNew();
        await FillScreen.RunAsync(call, update => WaitAsync(client, started, interrupt, watch, update)).ConfigureAwait(false);
        foreach (var filling in started)
            status = Math.Max(status, await EndAsync(call, client, filling, interrupt.IsRequested).ConfigureAwait(false));
        return status;
    }

    static async Task WaitAsync(HostMemdClient client, List<Filling> fillings, Interrupt interrupt, Stopwatch watch,
        Action<IReadOnlyList<FillState>> update)
    {
        var isCancelled = false;
        while (true)
        {
            var asked = client.QueryMemdevJobsAsync();
            var jobs = (await client.QueryJobsAsync().ConfigureAwait(false)).ToDictionary(j => j.Id);
            var rates = (await asked.ConfigureAwait(false)).ToDictionary(j => j.JobId, j => j.BytesPerSecond);
            foreach (var filling in fillings.Where(f => f.State is not { IsOver: true }))
            {
                // One that is gone was dismissed by another client: it is over, and how is not known.
                var job = jobs.GetValueOrDefault(filling.Job) ?? new()
                { Id = filling.Job, Status = JobStatus.Null, Error = "another client dismissed the job" };
                filling.State = new(filling.Id, job, rates.GetValueOrDefault(filling.Job));
                filling.Took = watch.Elapsed;
            }
            update([.. fillings.Select(f => f.State!)]);
            if (fillings.All(f => f.State!.IsOver))
                return;
            if (interrupt.IsRequested && !isCancelled)
            {
                isCancelled = true;
                foreach (var filling in fillings.Where(f => !f.State!.IsOver))
                    await CancelAsync(client, filling.Job).ConfigureAwait(false);
            }
            if (isCancelled)
                await Task.Delay(s_interval / 5).ConfigureAwait(false);
            else
                await interrupt.DelayAsync(s_interval).ConfigureAwait(false);
        }
    }

    static async Task CancelAsync(HostMemdClient client, string job)
    {
        try
        {
            await client.ExecuteOutOfBandAsync("job-cancel", new() { { "id", Value.From(job) } }).ConfigureAwait(false);
        }
        catch (QmpException)
        {
            // It is over already.
        }
    }

    static async Task<int> EndAsync(Invocation call, HostMemdClient client, Filling filling, bool interrupted)
    {
        var job = filling.State!.Job;
        if (job.Status == JobStatus.Concluded)
            await client.DismissJobAsync(filling.Job).ConfigureAwait(false);
        if (job.Error is not { } error)
        {
            call.Say(string.Create(CultureInfo.InvariantCulture,
                $"{filling.Id} filled: {call.Size(job.TotalProgress)} in {filling.Took.TotalSeconds:0.0} s"));
            return ExitStatus.Done;
        }
        if (!interrupted)
        {
            call.Complain($"{filling.Id}: {error}");
            return ExitStatus.Refused;
        }
        var kept = await KeptAsync(client, filling).ConfigureAwait(false);
        call.Complain($"{filling.Id}: cancelled at {call.Size(job.CurrentProgress)} of {call.Size(job.TotalProgress)}; "
            + (kept == 0 ? "nothing was kept" : $"{call.Size(kept)} more than before is resident"));
        return ExitStatus.Cancelled;
    }

    static async Task<ulong> KeptAsync(HostMemdClient client, Filling filling)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            var now = (await client.QueryStatsAsync(filling.Id).ConfigureAwait(false))[0].Resident;
            if (now <= filling.Before)
                return 0;
            if (watch.Elapsed > s_patience)
                return now - filling.Before;
            await Task.Delay(s_interval / 5).ConfigureAwait(false);
        }
    }
}
