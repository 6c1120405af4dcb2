using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Protocol;
using HostMemd.Qapi;
using static HostMemd.Protocol.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>The kernel's word about memory, beside what was asked for.</summary>
static class StatsCommands
{
    sealed class NodeBytes
    {
        public long Node { get; set; }
        public ulong Bytes { get; set; }
    }

    sealed class Merge
    {
        public bool Requested { get; set; }
        public bool Effective { get; set; }
        public string? Reason { get; set; }
        public ulong? MergingBytes { get; set; }
    }

    sealed class Dump
    {
        public bool Requested { get; set; }
        public bool Effective { get; set; }
    }

    sealed class Policy
    {
        public HostMemPolicy Requested { get; set; }
        public string Effective { get; set; } = "";
        public IReadOnlyList<ushort> HostNodes { get; set; } = [];
    }

    sealed class Stats
    {
        public string Id { get; set; } = "";
        public ulong Size { get; set; }
        public ulong PageSize { get; set; }
        public ulong Resident { get; set; }
        public ulong Huge { get; set; }
        public ulong Swapped { get; set; }
        public IReadOnlyList<NodeBytes> Nodes { get; set; } = [];
        public Merge Merge { get; set; } = new();
        public Dump Dump { get; set; } = new();
        public Policy Policy { get; set; } = new();
        public long Mappings { get; set; }
    }

    static readonly QapiStruct<NodeBytes> s_node = new QapiStruct<NodeBytes>("MemdevNodeBytes")
        .Row("node", Int, "The NUMA node.", n => n.Node, (n, v) => n.Node = v)
        .Row("bytes", QapiTypes.Size, "Bytes there that the daemon has mapped and touched.", n => n.Bytes, (n, v) => n.Bytes = v);

    static readonly QapiStruct<Merge> s_merge = new QapiStruct<Merge>("MemdevMergeStats")
        .Row("requested", Bool, "The property merge.", m => m.Requested, (m, v) => m.Requested = v)
        .Row("effective", Bool, "The kernel merges equal pages of it.", m => m.Effective, (m, v) => m.Effective = v)
        .Opt("reason", Str, "Why it does not although requested.", m => m.Reason, (m, v) => m.Reason = v)
        .Opt("merging-bytes", QapiTypes.Size, "Bytes that are merged now; absent where the kernel does not say.",
            m => m.MergingBytes, (m, v) => m.MergingBytes = v);

    static readonly QapiStruct<Dump> s_dump = new QapiStruct<Dump>("MemdevDumpStats")
        .Row("requested", Bool, "The property dump.", d => d.Requested, (d, v) => d.Requested = v)
        .Row("effective", Bool, "The memory would be in a core dump.", d => d.Effective, (d, v) => d.Effective = v);

    static readonly QapiStruct<Policy> s_policy = new QapiStruct<Policy>("MemdevPolicyStats")
        .Row("requested", NumaPolicy.Type, "The property policy.", p => p.Requested, (p, v) => p.Requested = v)
        .Row("host-nodes", ListOf(U16), "The property host-nodes.", p => p.HostNodes, (p, v) => p.HostNodes = v)
        .Row("effective", Str, "The kernel's policy as numa_maps writes it, such as bind:0.", p => p.Effective, (p, v) => p.Effective = v);

    static readonly QapiStruct<Stats> s_stats = new QapiStruct<Stats>("MemdevStats")
        .Row("id", Str, "The backend.", s => s.Id, (s, v) => s.Id = v)
        .Row("size", QapiTypes.Size, "Size in bytes, as asked for.", s => s.Size, (s, v) => s.Size = v)
        .Row("page-size", QapiTypes.Size, "Bytes of a page of the backing store.", s => s.PageSize, (s, v) => s.PageSize = v)
        .Row("resident", QapiTypes.Size, "Bytes in memory.", s => s.Resident, (s, v) => s.Resident = v)
        .Row("huge", QapiTypes.Size, "Bytes in huge pages of either kind.", s => s.Huge, (s, v) => s.Huge = v)
        .Row("swapped", QapiTypes.Size, "Bytes in swap space.", s => s.Swapped, (s, v) => s.Swapped = v)
        .Row("nodes", ListOf(s_node), "Where the memory is.", s => s.Nodes, (s, v) => s.Nodes = v)
        .Row("merge", s_merge, "Merging of equal pages.", s => s.Merge, (s, v) => s.Merge = v)
        .Row("dump", s_dump, "Core dumps.", s => s.Dump, (s, v) => s.Dump = v)
        .Row("policy", s_policy, "NUMA policy.", s => s.Policy, (s, v) => s.Policy = v)
        .Row("mappings", Int, "How many mappings of other processes there are.", s => s.Mappings, (s, v) => s.Mappings = v);

    public static IEnumerable<Command> All(QomTree tree, LeaseTable leases, HolderSearch holders, Lock state)
    {
        yield return Slow("query-memdev-stats", "What the kernel says of the memory now.", ListOf(s_stats),
            Opt("id", Str, "Only this backend."), (_, id) => ReadAsync(tree, leases, holders, state, id)).Extension().ForObservers();
    }

    static async ValueTask<IReadOnlyList<Stats>> ReadAsync(QomTree tree, LeaseTable leases, HolderSearch holders, Lock state, string? id)
    {
        HostMemoryBackend[] backends;
        lock (state)
        {
            backends = id is null ? [.. tree.Objects.Children.OfType<HostMemoryBackend>()]
                : [tree.Objects.FindChild(id) as HostMemoryBackend ?? throw QmpErrors.ObjectNotFound(id)];
        }
        // The kernel walks the page tables of all memory: off the callers' threads.
        var scanning = ScanAsync(backends, holders);
        var read = await Task.Factory.StartNew(() => MemoryStatistics.Read(backends), CancellationToken.None,
            TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        var users = await scanning.ConfigureAwait(false);
        lock (state)
            return [.. backends.Zip(read, (b, r) => Describe(b, r, CountOf(b, leases, users)))];
    }

    // One scan of all processes for all objects, however many there are.
    static async Task<ILookup<FileIdentity, int>> ScanAsync(HostMemoryBackend[] backends, HolderSearch holders)
    {
        FileIdentity[] files = [.. backends.Select(b => b.Region?.Identity).OfType<FileIdentity>()];
        var scan = files.Length == 0 ? new([], 0) : await holders.ScanAsync(files).ConfigureAwait(false);
        return scan.Holders.ToLookup(h => h.File, h => h.Pid);
    }

    // Leases, and the processes that have none.
    static long CountOf(HostMemoryBackend backend, LeaseTable leases, ILookup<FileIdentity, int> users)
    {
        var given = leases.Of(backend);
        return given.Count + (backend.Region?.Identity is { } file ? users[file].Count(pid => given.All(l => l.Pid != pid)) : 0);
    }

    static Stats Describe(HostMemoryBackend backend, MemoryStatistics read, long mappings) => new()
    {
        Id = backend.Name,
        Size = backend.Size,
        Mappings = mappings,
        PageSize = backend.Region?.PageSize ?? 0,
        Resident = read.Resident,
        Huge = read.Huge,
        Swapped = read.Swapped,
        Nodes = [.. read.Nodes.Select(n => new NodeBytes { Node = n.Key, Bytes = n.Value })],
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
