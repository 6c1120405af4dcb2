using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>Leases for processes that run already.</summary>
static class LeaseVerbs
{
    static readonly OperandRow s_id = new("ID", "The memory.", Sources.Ids);
    static readonly OperandRow s_leases = new("LEASE", "The leases, as 'hostmemctl who' lists them.", Sources.Leases) { IsMany = true };
    static readonly OptionRow s_pid = new("pid", '\0', "PID", "The process that the memory is lent to.");
    static readonly OptionRow s_readOnly = new("read-only", 'r', null, "It cannot write to the memory.");
    static readonly OptionRow s_name = new("name", '\0', "TEXT", "What 'hostmemctl who' says of the lease.");

    public static readonly VerbRow Map = new("map", "Lend memory to a process that runs, named by --pid.", MapAsync)
    {
        Operands = [s_id],
        Options = [s_pid, s_readOnly, s_name],
        Details = ["Prints the lease and a path that opens the memory, for root and the daemon's user. The lease ends with the process "
            + "or by unmap. With -o json: what memdev-map returns."],
    };

    public static readonly VerbRow Unmap = new("unmap", "End leases.", UnmapAsync)
    {
        Operands = [s_leases],
        Details = ["What a process has mapped it keeps, and the kernel's word holds the memory as long as it does."],
    };

    static async Task<int> MapAsync(Invocation call)
    {
        if (call.Daemon.IsRemote)
            throw CtlException.Refused("map: a process of another host has no number here");
        var pid = call.Number(s_pid, 1, int.MaxValue) ?? throw CtlException.Usage(
            "map: option '--pid' says which process; 'hostmemctl run' starts one");
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        var arguments = new Members { { "id", Value.From(call.Word(s_id)) }, { "pid", Value.From((long)pid) } };
        if (call.Has(s_readOnly))
            arguments.Add("readonly", Value.From(true));
        if (call.Value(s_name) is { } name)
            arguments.Add("name", Value.From(name));
        var lent = await client.ExecuteAsync("memdev-map", arguments).ConfigureAwait(false);
        lent.TryObject(out var members);
        members!["mapping"].TryString(out var lease);
        if (call.Form == OutputForm.Json)
            call.Json(lent);
        else
            call.Out.Write(call.Form != OutputForm.Id && members["path"].TryString(out var path) ? $"{lease} {path}\n" : $"{lease}\n");
        return ExitStatus.Done;
    }

    static async Task<int> UnmapAsync(Invocation call)
    {
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        var status = ExitStatus.Done;
        foreach (var lease in call.Words(s_leases))
        {
            try
            {
                await client.UnmapAsync(lease).ConfigureAwait(false);
            }
            catch (QmpException refusal)
            {
                call.Complain(refusal.Message);
                status = ExitStatus.Refused;
            }
        }
        return status;
    }
}
