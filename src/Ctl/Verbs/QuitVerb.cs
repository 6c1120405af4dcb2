using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>Ends the daemon, and with it the memory.</summary>
static class QuitVerb
{
    static readonly OptionRow s_yes = new("yes", 'y', null, "Do not ask.");

    public static readonly VerbRow Row = new("quit", "End the daemon and release all memory.", RunAsync)
    {
        Options = [s_yes],
        Details = ["A service is restarted without loss by 'systemctl restart hostmemd'; quit releases the memory. Without a terminal to "
            + "ask on --yes is needed."],
    };

    static async Task<int> RunAsync(Invocation call)
    {
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        var all = await client.QueryMemdevAsync().ConfigureAwait(false);
        var size = all.Aggregate(0UL, (sum, m) => sum + m.Size);
        call.Confirm(s_yes, $"End the daemon at {call.Daemon.Name} and release {Sizes.Count(all.Count, "object")} of {Sizes.Text(size)}?");
        await client.ExecuteAsync("quit", Members.None).ConfigureAwait(false);
        return ExitStatus.Done;
    }
}
