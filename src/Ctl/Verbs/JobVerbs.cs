using HostMemd.Client;
using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>Fillings under way: which there are, and what can be done to them.</summary>
static class JobVerbs
{
    static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    static readonly OperandRow s_jobs = new("JOB", "The jobs; an object's id stands for the jobs that fill it.", Sources.Jobs)
    { IsMany = true };
    static readonly OptionRow s_watch = new("watch", 'w', null, "Print them again every second while one goes on.");

    public static readonly VerbRow List = new("jobs", "List the jobs.", ListAsync)
    {
        Options = [s_watch],
        Details =
        [
            "With -o json: what query-jobs returns, each element with the members of query-memdev-jobs; 'object' is the object's id.",
        ],
    };

    public static readonly VerbRow Cancel = Verb("cancel", "Stop jobs; the pages that they filled are given back.", "job-cancel");
    public static readonly VerbRow Pause = Verb("pause", "Pause jobs.", "job-pause");
    public static readonly VerbRow Resume = Verb("resume", "Go on with paused jobs.", "job-resume");
    public static readonly VerbRow Dismiss = Verb("dismiss", "Forget jobs that are over.", "job-dismiss");

    static VerbRow Verb(string name, string help, string command) => new(name, help, call => ActAsync(call, command))
    { Operands = [s_jobs] };

    sealed record Entry(JobInfo Job, MemdevJob? More);

    static async Task<int> ListAsync(Invocation call)
    {
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        if (call.Form == OutputForm.Json)
        {
            call.Json(await JoinedAsync(client).ConfigureAwait(false));
            return ExitStatus.Done;
        }
        while (true)
        {
            var entries = await ReadAsync(client).ConfigureAwait(false);
            if (entries.Count == 0 && call.Form != OutputForm.Id && call.HasLegend && call.Terminal.IsTerminal)
                call.Say("No jobs.");
            else
                call.List(Columns(call), entries, e => e.Job.Id);
            if (!call.Has(s_watch) || entries.All(e => e.Job.Status >= JobStatus.Concluded))
                return ExitStatus.Done;
            await call.Out.FlushAsync().ConfigureAwait(false);
            await Task.Delay(s_interval).ConfigureAwait(false);
        }
    }

    static IReadOnlyList<Column<Entry>> Columns(Invocation call) =>
    [
        new("JOB", e => e.Job.Id),
        new("OBJECT", e => e.More?.Id ?? "-"),
        new("STATUS", e => e.Job.Error is not null ? "failed" : JobInfo.StatusType.NameOf(e.Job.Status)),
        new("DONE", e => $"{Sizes.Percent(e.Job.CurrentProgress, e.Job.TotalProgress)}%") { IsNumber = true },
        new("BYTES", e => call.Size(e.Job.CurrentProgress)) { IsNumber = true, Dispensable = 3 },
        new("OF", e => call.Size(e.Job.TotalProgress)) { IsNumber = true, Dispensable = 4 },
        new("RATE", e => e.More is { BytesPerSecond: > 0 and var rate } ? call.Size(rate) + "/s" : "-")
        { IsNumber = true, Dispensable = 2 },
        new("AGE", e => e.More is { } more ? Sizes.Age(more.Since) : "-") { IsNumber = true, Dispensable = 5 },
        new("ERROR", e => e.Job.Error ?? "-") { Dispensable = 1 },
    ];

    static async Task<IReadOnlyList<Entry>> ReadAsync(HostMemdClient client)
    {
        var asked = client.QueryMemdevJobsAsync();
        var jobs = await client.QueryJobsAsync().ConfigureAwait(false);
        var more = (await asked.ConfigureAwait(false)).ToDictionary(j => j.JobId);
        return [.. jobs.Select(j => new Entry(j, more.GetValueOrDefault(j.Id)))];
    }

    static async Task<Value> JoinedAsync(HostMemdClient client)
    {
        var asked = client.ExecuteAsync("query-memdev-jobs", Members.None);
        (await client.ExecuteAsync("query-jobs", Members.None).ConfigureAwait(false)).TryList(out var jobs);
        (await asked.ConfigureAwait(false)).TryList(out var more);
        foreach (var job in jobs ?? [])
        {
            if (!job.TryObject(out var members))
                continue;
            foreach (var other in more ?? [])
            {
                if (!other.TryObject(out var others) || others["job-id"] != members["id"])
                    continue;
                foreach (var (name, value) in others)
                {
                    if (name != "job-id")
                        members.TryAdd(name == "id" ? "object" : name, value);
                }
            }
        }
        return Value.From(jobs ?? []);
    }

    static async Task<int> ActAsync(Invocation call, string command)
    {
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        var entries = await ReadAsync(client).ConfigureAwait(false);
        var status = ExitStatus.Done;
        foreach (var word in call.Words(s_jobs))
        {
            string[] jobs = entries.Any(e => e.Job.Id == word) ? [word] : [.. entries.Where(e => e.More?.Id == word).Select(e => e.Job.Id)];
            if (jobs.Length == 0)
            {
                var known = entries.Select(e => e.Job.Id);
                call.Complain(Similar.To(word, known) is { } meant ? $"{word}: no such job; did you mean '{meant}'?"
                    : $"{word}: no such job, and no job fills an object of that name");
                status = ExitStatus.Refused;
            }
            foreach (var job in jobs)
            {
                try
                {
                    await client.ExecuteAsync(command, new() { { "id", Value.From(job) } }).ConfigureAwait(false);
                }
                catch (QmpException refusal)
                {
                    call.Complain($"{job}: {refusal.Message}");
                    status = ExitStatus.Refused;
                }
            }
        }
        return status;
    }
}
