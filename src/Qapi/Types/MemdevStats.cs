using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Qapi;

/// <summary>Memory on one NUMA node.</summary>
public sealed class MemdevNodeBytes
{
    public long Node { get; set; }
    public ulong Bytes { get; set; }

    public static QapiStruct<MemdevNodeBytes> Schema { get; } = new("MemdevNodeBytes", rows => rows
        .Row("node", Int, "The NUMA node.", n => n.Node, (n, v) => n.Node = v)
        .Row("bytes", QapiTypes.Size, "Bytes there that the daemon has mapped and touched.", n => n.Bytes, (n, v) => n.Bytes = v));
}

/// <summary>Merging of equal pages: requested and effective.</summary>
public sealed class MemdevMergeStats
{
    public bool Requested { get; set; }
    public bool Effective { get; set; }
    public string? Reason { get; set; }
    public ulong? MergingBytes { get; set; }

    public static QapiStruct<MemdevMergeStats> Schema { get; } = new("MemdevMergeStats", rows => rows
        .Row("requested", Bool, "The property merge.", m => m.Requested, (m, v) => m.Requested = v)
        .Row("effective", Bool, "The kernel merges equal pages of it.", m => m.Effective, (m, v) => m.Effective = v)
        .Opt("reason", Str, "Why it does not although requested.", m => m.Reason, (m, v) => m.Reason = v)
        .Opt("merging-bytes", QapiTypes.Size, "Bytes that are merged now; absent where the kernel does not say.",
            m => m.MergingBytes, (m, v) => m.MergingBytes = v));
}

/// <summary>Core dumps: requested and effective.</summary>
public sealed class MemdevDumpStats
{
    public bool Requested { get; set; }
    public bool Effective { get; set; }

    public static QapiStruct<MemdevDumpStats> Schema { get; } = new("MemdevDumpStats", rows => rows
        .Row("requested", Bool, "The property dump.", d => d.Requested, (d, v) => d.Requested = v)
        .Row("effective", Bool, "The memory would be in a core dump.", d => d.Effective, (d, v) => d.Effective = v));
}

/// <summary>NUMA policy: requested and effective.</summary>
public sealed class MemdevPolicyStats
{
    public HostMemPolicy Requested { get; set; }
    public string Effective { get; set; } = "";
    public IReadOnlyList<ushort> HostNodes { get; set; } = [];

    public static QapiStruct<MemdevPolicyStats> Schema { get; } = new("MemdevPolicyStats", rows => rows
        .Row("requested", Memdev.PolicyType, "The property policy.", p => p.Requested, (p, v) => p.Requested = v)
        .Row("host-nodes", ListOf(U16), "The property host-nodes.", p => p.HostNodes, (p, v) => p.HostNodes = v)
        .Row("effective", Str, "The kernel's policy as numa_maps writes it, such as bind:0.", p => p.Effective, (p, v) => p.Effective = v));
}

/// <summary>What the kernel reports of one backend, from <c>query-memdev-stats</c>.</summary>
public sealed class MemdevStats
{
    public string Id { get; set; } = "";
    public string Kind { get; set; } = "";
    public ulong Size { get; set; }
    public ulong PageSize { get; set; }
    public ulong Resident { get; set; }
    public ulong Huge { get; set; }
    public ulong Swapped { get; set; }
    public IReadOnlyList<MemdevNodeBytes> Nodes { get; set; } = [];
    public MemdevMergeStats Merge { get; set; } = new();
    public MemdevDumpStats Dump { get; set; } = new();
    public MemdevPolicyStats Policy { get; set; } = new();
    public long Mappings { get; set; }

    public static QapiStruct<MemdevStats> Schema { get; } = new("MemdevStats", rows => rows
        .Row("id", Str, "The backend.", s => s.Id, (s, v) => s.Id = v)
        .Row("kind", Str, "Its QOM type.", s => s.Kind, (s, v) => s.Kind = v)
        .Row("size", QapiTypes.Size, "Size in bytes, as asked for.", s => s.Size, (s, v) => s.Size = v)
        .Row("page-size", QapiTypes.Size, "Bytes of a page of the backing store.", s => s.PageSize, (s, v) => s.PageSize = v)
        .Row("resident", QapiTypes.Size, "Bytes in memory.", s => s.Resident, (s, v) => s.Resident = v)
        .Row("huge", QapiTypes.Size, "Bytes in huge pages of either kind.", s => s.Huge, (s, v) => s.Huge = v)
        .Row("swapped", QapiTypes.Size, "Bytes in swap space.", s => s.Swapped, (s, v) => s.Swapped = v)
        .Row("nodes", ListOf(MemdevNodeBytes.Schema), "Where the memory is.", s => s.Nodes, (s, v) => s.Nodes = v)
        .Row("merge", MemdevMergeStats.Schema, "Merging of equal pages.", s => s.Merge, (s, v) => s.Merge = v)
        .Row("dump", MemdevDumpStats.Schema, "Core dumps.", s => s.Dump, (s, v) => s.Dump = v)
        .Row("policy", MemdevPolicyStats.Schema, "NUMA policy.", s => s.Policy, (s, v) => s.Policy = v)
        .Row("mappings", Int, "How many mappings of other processes there are.", s => s.Mappings, (s, v) => s.Mappings = v));
}
