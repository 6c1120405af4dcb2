using HostMemd.Linux;
using HostMemd.Qapi;
using static HostMemd.Config.LimitUnit;

namespace HostMemd.Config;

/// <summary>The limits of the configuration. A limit is a row here and a check in the part that keeps to it.</summary>
static class LimitTable
{
    const ulong KiB = 1 << 10, MiB = 1 << 20, GiB = 1 << 30, TiB = 1UL << 40;
    const ulong MostClients = 1 << 20;

    /// <summary>All limits, in the order of the sample file and of <c>query-memdev-limits</c>.</summary>
    public static IReadOnlyList<LimitRow> All { get; } =
    [
        new("Clients", Clients, 4096, 1, MostClients)
        {
            Doc = "Clients connected at once, on all sockets; one more is refused.",
            Why = "An idle client costs a descriptor and some 10 KiB.",
            Used = from => (ulong)from.Clients.Count,
            Apply = (to, limit) => to.Wire = to.Wire with { Clients = limit },
        },
        new("ClientsPerUid", Clients, 0, 0, MostClients)
        {
            Doc = "Clients of one user; one more is refused.",
            Why = "Off, since a host's manager is one user with a client for each guest.",
            Used = from => (ulong)from.Clients.CountOf(from.Uid),
            Apply = (to, limit) => to.Wire = to.Wire with { ClientsPerUid = limit },
        },
        new("Silent", Clients, 512, 1, MostClients)
        {
            Doc = "Clients that have not negotiated yet; above, the daemon closes the oldest of them.",
            Why = "A client that has a use for the daemon negotiates at once.",
            Used = from => (ulong)from.Clients.SilentCount,
            Apply = (to, limit) => to.Wire = to.Wire with { Silent = limit },
        },
        new("Fillings", Jobs, 0, 0, MiB)
        {
            Doc = "Jobs that preallocate at once; one more is refused.",
            Why = "Off, since fillings share the threads fairly.",
            Used = from => (ulong)from.Jobs.All.Count(j => j.Status < JobStatus.Concluded),
            Apply = (to, limit) => to.Jobs.MaxFillings = limit,
        },
        new("Objects", LimitUnit.Objects, 0, 0, int.MaxValue)
        {
            Doc = "Objects that exist at once; one more is refused.",
            Why = "Off: the kernel's `vm.max_map_count` bounds them.",
            Used = from => (ulong)from.Quota.Objects,
            Apply = (to, limit) => to.Quota.MaxObjects = limit,
        },
        new("BytesPerUid", Bytes, 0, 0, ulong.MaxValue)
        {
            Doc = "Bytes of all backends that clients of one user made, as sizes, not as resident pages; a backend beyond is refused.",
            Why = "Off, since a host's manager is one user.",
            Used = from => from.Quota.BytesOf(from.Uid),
            Apply = (to, limit) => to.Quota.MaxBytesPerUid = limit,
        },
        new("BytesTotal", Bytes, 0, 0, ulong.MaxValue)
        {
            Doc = "Bytes of all backends, as sizes; a backend beyond is refused.",
            Why = "Off: the kernel's overcommit rules hold in any case.",
            Used = from => from.Quota.Bytes,
            Apply = (to, limit) => to.Quota.MaxBytes = limit,
        },
        new("RequestBytes", Bytes, 4 * MiB, 4 * KiB, 64 * MiB)
        {
            Doc = "Bytes of one request; a longer one is refused. Its use is the longest request that has not come in whole.",
            Why = "No known client sends more than a few KiB, and values take up to 30 times their text. QEMU's own bound on a message is "
                + "the most that has a meaning.",
            Used = from => (ulong)from.Clients.LongestUnfinished,
            Apply = (to, limit) => to.Wire = to.Wire with { RequestBytes = limit },
        },
        new("UnfinishedBytes", Bytes, 16 * MiB, 4 * KiB, TiB)
        {
            Doc = "Bytes of all requests that have not come in whole, of all clients; above, the daemon closes the client with the "
                + "longest.",
            Why = "What clients can make the daemon hold by not going on is bounded by this, not by their number: values take up to 30 "
                + "times their text.",
            Used = from => (ulong)from.Clients.UnfinishedBytes,
            Apply = (to, limit) => to.Wire = to.Wire with { UnfinishedBytes = limit },
        },
        new("QueuedRequests", Requests, 8, 1, 1024)
        {
            Doc = "Requests read ahead for a client that enabled `oob`; then the daemon reads it no further. Its use is the longest queue "
                + "of a client.",
            Why = "QEMU's number.",
            Used = from => (ulong)from.Clients.All.Select(c => c.Queued).DefaultIfEmpty().Max(),
            Apply = (to, limit) => to.Wire = to.Wire with { QueuedRequests = limit },
        },
        new("RequestsInFlight", Requests, 64, 1, 4096)
        {
            Doc = "Requests of one JSON-RPC client that are not answered yet; one more is refused. Its use is the most of a client.",
            Why = "Each may fill memory or wait for another that does; a client that has so many has stopped reading the answers.",
            Used = from => (ulong)from.Clients.All.Select(c => c.InFlight).DefaultIfEmpty().Max(),
            Apply = (to, limit) => to.Wire = to.Wire with { RequestsInFlight = limit },
        },
        new("OutputBytes", Bytes, 16 * MiB, MiB, GiB)
        {
            Doc = "Bytes of output that a client does not read before the daemon closes it. Its use is the most that waits for one client.",
            Why = "Only events come to a client that does not read, and this is a day of them. The least is a few times the reply of "
                + "`query-qmp-schema`.",
            Used = from => (ulong)from.Clients.All.Select(c => c.PendingOutput).DefaultIfEmpty().Max(),
            Apply = (to, limit) => to.Wire = to.Wire with { OutputBytes = limit },
        },
        new("FillThreads", Threads, 0, 0, 4096)
        {
            Doc = "Threads that preallocate, for all backends together; 0: one for each CPU that is online. Its use is those that fill "
                + "now.",
            Why = "More threads than CPUs fill no faster.",
            Used = from => (ulong)from.Fillers.Working,
            Effective = configured => configured > 0 ? configured : (ulong)Sched.OnlineCpus(),
            Apply = (to, limit) => to.Fillers.Most = (int)limit.Most,
        },
    ];

    /// <exception cref="KeyNotFoundException">There is no such limit.</exception>
    public static LimitRow Find(string name) =>
        All.FirstOrDefault(row => row.Name == name) ?? throw new KeyNotFoundException($"no limit '{name}'");
}
