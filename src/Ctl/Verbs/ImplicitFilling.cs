using HostMemd.Client;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>Waits for a command that may fill memory before it is answered, shows how far it is, and cancels it when the user
/// interrupts.</summary>
static class ImplicitFilling
{
    static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(100);

    /// <param name="call">The verb.</param>
    /// <param name="client">With the out-of-band lane: the command under way holds up all others.</param>
    /// <param name="id">The object.</param>
    /// <param name="work">The command.</param>
    /// <param name="undone">What to say of a cancelled one.</param>
    public static async Task WaitAsync(Invocation call, HostMemdClient client, string id, Task work, string undone)
    {
        using var interrupt = new Interrupt();
        // Most commands fill nothing and are done at once.
        await Task.WhenAny(work, Task.Delay(s_interval)).ConfigureAwait(false);
        if (!work.IsCompleted)
            await FillScreen.RunAsync(call, update => PollAsync(client, id, work, interrupt, update)).ConfigureAwait(false);
        try
        {
            await work.ConfigureAwait(false);
        }
        catch (QmpException) when (interrupt.IsRequested)
        {
            throw new CtlException(ExitStatus.Cancelled, $"{id}: cancelled; {undone}");
        }
    }

    static async Task PollAsync(HostMemdClient client, string id, Task work, Interrupt interrupt, Action<IReadOnlyList<FillState>> update)
    {
        var job = "prealloc-" + id;
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var isCancelled = false;
        while (!work.IsCompleted)
        {
            (await client.ExecuteOutOfBandAsync("query-jobs", Members.None).ConfigureAwait(false)).TryList(out var jobs);
            if ((jobs ?? []).Select(HostMemdClient.ReadJob).FirstOrDefault(j => j.Id == job) is { } found)
            {
                update([new(id, found, (ulong)(found.CurrentProgress / watch.Elapsed.TotalSeconds))]);
                if (interrupt.IsRequested && !isCancelled)
                    isCancelled = await CancelAsync(client, job).ConfigureAwait(false);
            }
            await Task.WhenAny(work, Task.Delay(s_interval)).ConfigureAwait(false);
        }
    }

    static async Task<bool> CancelAsync(HostMemdClient client, string job)
    {
        try
        {
            await client.ExecuteOutOfBandAsync("job-cancel", new() { { "id", Value.From(job) } }).ConfigureAwait(false);
        }
        catch (QmpException)
        {
            // It is over already.
        }
        return true;
    }
}
