using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Backend.Statistics;
using HostMemd.Backend.Threads;
using HostMemd.Linux;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using static HostMemd.Protocol.Contract.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>What the kernel reports of memory, beside what was requested.</summary>
static class StatsCommands
{
    static readonly Topic s_topic = new("Statistics", "What the kernel says of the memory, beside what was asked for.");

    public static IEnumerable<Command> All(QomTree tree, LeaseTable leases, UserSearch holders, StateLock state) =>
        s_topic.Of(Rows(tree, leases, holders, state));

    static IEnumerable<Command> Rows(QomTree tree, LeaseTable leases, UserSearch holders, StateLock state)
    {
        yield return Slow("query-memdev-stats", "What the kernel says of the memory now.", ListOf(MemdevStats.Schema),
            Opt("id", Str, "Only this backend."), (_, id) => ReadAsync(tree, leases, holders, state, id)).Extension().ForObservers()
            .Example("""{"id": "ram0"}""", """
                [{"id": "ram0", "kind": "memory-backend-memfd", "size": 2097152, "page-size": 4096, "resident": 0,
                  "huge": 0, "swapped": 0, "nodes": [], "mappings": 0,
                  "merge": {"requested": true, "...": "..."}, "dump": {"requested": true, "effective": true},
                  "policy": {"requested": "default", "host-nodes": [], "effective": "default"}}]
                """)
            .Fails(QmpErrors.ObjectNotFound("ram9"), """{"id": "ram9"}""");
    }

    static async ValueTask<IReadOnlyList<MemdevStats>> ReadAsync(
        QomTree tree, LeaseTable leases, UserSearch holders, StateLock state, string? id)
    {
        HostMemoryBackend[] backends;
        using (state.Enter())
        {
            backends = id is null ? [.. tree.Objects.Children.OfType<HostMemoryBackend>()]
                : [tree.Objects.FindChild(id) as HostMemoryBackend ?? throw QmpErrors.ObjectNotFound(id)];
        }
        // The kernel walks the page tables of all memory, so this runs away from the clients' threads.
        var scanning = ScanAsync(backends, holders);
        var read = await OwnThread.RunAsync(() => MemoryStatistics.Read(backends)).ConfigureAwait(false);
        var users = await scanning.ConfigureAwait(false);
        using (state.Enter())
            return [.. backends.Zip(read, (b, r) => Describe(b, r, CountOf(b, leases, users)))];
    }

    // One scan of all processes for all objects, however many there are.
    static async Task<ILookup<FileIdentity, int>> ScanAsync(HostMemoryBackend[] backends, UserSearch holders)
    {
        FileIdentity[] files = [.. backends.Select(b => b.Region?.Identity).OfType<FileIdentity>()];
        var scan = files.Length == 0 ? new([], 0) : await holders.ScanAsync(files).ConfigureAwait(false);
        return scan.Users.ToLookup(h => h.File, h => h.Pid);
    }

    // Leases, and the processes that have none.
    static long CountOf(HostMemoryBackend backend, LeaseTable leases, ILookup<FileIdentity, int> users)
    {
        var given = leases.Of(backend);
        return given.Count + (users.Count > 0 && backend.Region?.Identity is { } file ? users[file].Count(pid => given.All(l => l.Pid != pid)) : 0);
    }

    static MemdevStats Describe(HostMemoryBackend backend, MemoryStatistics read, long mappings) => new()
    {
        Id = backend.Name,
        Kind = backend.Class.Name,
        Size = backend.Size,
        Mappings = mappings,
        PageSize = backend.Region?.PageSize ?? 0,
        Resident = read.Resident,
        Huge = read.Huge,
        Swapped = read.Swapped,
        Nodes = read.Nodes.Count == 0 ? [] : [.. read.Nodes.Select(n => new MemdevNodeBytes { Node = n.Key, Bytes = n.Value })],
        Merge = new()
        {
            Requested = backend.Merge,
            Effective = read.MergeEffective,
            Reason = read.MergeReason,
            MergingBytes = read.MergingBytes,
        },
        Dump = new() { Requested = backend.Dump, Effective = read.DumpEffective },
        Policy = new()
        {
            Requested = backend.Policy,
            HostNodes = backend.HostNodes.ToList(),
            Effective = read.KernelPolicy ?? "default",
        },
    };
}
