using HostMemd.Ctl.Line;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>Both versions, and what the daemon takes the user for.</summary>
static class VersionVerb
{
    public static readonly VerbRow Row = new("version", "Show the versions of hostmemctl and of the daemon.", RunAsync)
    {
        Details = ["With -o json: what query-version returns."],
    };

    static async Task<int> RunAsync(Invocation call)
    {
        if (call.Form == OutputForm.Json)
        {
            using var asked = await call.ConnectAsync().ConfigureAwait(false);
            call.Json(await asked.ExecuteAsync("query-version", Members.None).ConfigureAwait(false));
            return ExitStatus.Done;
        }
        call.Out.Write(Program.Version + "\n");
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        call.Out.Write($"{client.Package} at {call.Daemon.Name}, QEMU {client.QemuVersion}\n");
        try
        {
            var session = await client.QuerySessionAsync().ConfigureAwait(false);
            call.Out.Write($"you are {(session.Role == MemdevRole.Admin ? "an admin" : "an observer, who changes nothing")}\n");
        }
        catch (QmpException refusal) when (refusal.Class == ErrorClass.CommandNotFound)
        {
            // An older daemon does not say.
        }
        return ExitStatus.Done;
    }
}
