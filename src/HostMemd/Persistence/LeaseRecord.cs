using System.Globalization;
using HostMemd.Backend.Leases;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Persistence;

/// <summary>What another process needs to go on with a lease.</summary>
/// <param name="StartTime">When the borrower started, in the kernel's clock ticks, which differs between processes of one pid; or
/// <see cref="UnknownStart"/>.</param>
/// <param name="Process">The name of the borrower's pidfd, if the borrower has no number in this pid namespace; else null.</param>
sealed record LeaseRecord(
    string Mapping, string Id, int Pid, ulong StartTime, string? Name, bool IsReadOnly, long Since, string? Process = null)
{
    /// <summary>The start time could not be read when the lease was recorded. Only process 1 starts at tick 0.</summary>
    public const ulong UnknownStart = 0;

    public static LeaseRecord Of(Lease lease, string? process = null) => new(lease.Mapping, lease.Backend.Name, lease.Pid,
        lease.StartTime ?? Procfs.StartTime(lease.Pid) ?? UnknownStart, lease.Name, lease.IsReadOnly,
        lease.Since.ToUnixTimeSeconds(), process);

    public Value ToValue()
    {
        var members = new Members();
        members.Add("mapping", Value.From(Mapping));
        members.Add("id", Value.From(Id));
        members.Add("pid", Value.From(Pid));
        members.Add("start-time", Value.From(StartTime));
        if (Name is not null)
            members.Add("name", Value.From(Name));
        members.Add("readonly", Value.From(IsReadOnly));
        members.Add("since", Value.From(Since));
        if (Process is not null)
            members.Add("process", Value.From(Process));
        return Value.From(members);
    }

    public static LeaseRecord? From(Value value)
    {
        if (!value.TryObject(out var members) || !members["mapping"].TryString(out var mapping) || !members["id"].TryString(out var id)
            || !members["pid"].TryInt(out var pid) || !members["start-time"].TryBits(out var start))
            return null;
        members["readonly"].TryBool(out var isReadOnly);
        members["since"].TryInt(out var since);
        return new(mapping, id, (int)pid, start, members["name"].TryString(out var name) ? name : null, isReadOnly, since,
            members["process"].TryString(out var process) ? process : null);
    }
}
