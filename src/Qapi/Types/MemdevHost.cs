using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Qapi;

/// <summary>Memory of one NUMA node of the host.</summary>
public sealed class MemdevHostNode
{
    public long Node { get; set; }
    public ulong Total { get; set; }
    public ulong Free { get; set; }

    public static QapiStruct<MemdevHostNode> Schema { get; } = new("MemdevHostNode", rows => rows
        .Row("node", Int, "The NUMA node.", n => n.Node, (n, v) => n.Node = v)
        .Row("total", QapiTypes.Size, "Bytes that the kernel has there.", n => n.Total, (n, v) => n.Total = v)
        .Row("free", QapiTypes.Size, "Bytes that nothing uses; the kernel can also give back what its caches hold.",
            n => n.Free, (n, v) => n.Free = v));
}

/// <summary>Huge pages of one size, of the host or of one of its nodes.</summary>
public sealed class MemdevHostHugePages
{
    public ulong Size { get; set; }
    public long? Node { get; set; }
    public ulong Total { get; set; }
    public ulong Free { get; set; }
    public ulong? Reserved { get; set; }
    public ulong Surplus { get; set; }

    public static QapiStruct<MemdevHostHugePages> Schema { get; } = new("MemdevHostHugePages", rows => rows
        .Row("size", QapiTypes.Size, "Bytes of a page.", p => p.Size, (p, v) => p.Size = v)
        .Opt("node", Int, "The NUMA node; absent for the whole host.", p => p.Node, (p, v) => p.Node = v)
        .Row("total", U64, "Pages in the pool.", p => p.Total, (p, v) => p.Total = v)
        .Row("free", U64, "Pages of them that nothing uses, reserved ones included.", p => p.Free, (p, v) => p.Free = v)
        .Opt("reserved", U64, "Free pages that are promised; absent for a node, as the kernel counts them for the host only.",
            p => p.Reserved, (p, v) => p.Reserved = v)
        .Row("surplus", U64, "Pages above the pool's configured number.", p => p.Surplus, (p, v) => p.Surplus = v));
}

/// <summary>Merging of equal pages on the host.</summary>
public sealed class MemdevHostKsm
{
    public bool Running { get; set; }
    public ulong Shared { get; set; }
    public ulong Sharing { get; set; }

    public static QapiStruct<MemdevHostKsm> Schema { get; } = new("MemdevHostKsm", rows => rows
        .Row("running", Bool, "The kernel looks for equal pages now.", k => k.Running, (k, v) => k.Running = v)
        .Row("shared", QapiTypes.Size, "Bytes of merged pages: pages_shared.", k => k.Shared, (k, v) => k.Shared = v)
        .Row("sharing", QapiTypes.Size, "Bytes that merging saves: pages_sharing.", k => k.Sharing, (k, v) => k.Sharing = v));
}

/// <summary>The host's memory as the daemon sees it, from <c>query-memdev-host</c>.</summary>
public sealed class MemdevHost
{
    public IReadOnlyList<MemdevHostNode> Nodes { get; set; } = [];
    public IReadOnlyList<MemdevHostHugePages> HugePages { get; set; } = [];
    public MemdevHostKsm? Ksm { get; set; }

    public static QapiStruct<MemdevHost> Schema { get; } = new("MemdevHost", rows => rows
        .Row("nodes", ListOf(MemdevHostNode.Schema), "The NUMA nodes with memory; empty where the kernel has no NUMA.",
            h => h.Nodes, (h, v) => h.Nodes = v)
        .Row("hugepages", ListOf(MemdevHostHugePages.Schema), "The pools of huge pages: the host's, then each node's.",
            h => h.HugePages, (h, v) => h.HugePages = v)
        .Opt("ksm", MemdevHostKsm.Schema, "Same-page merging; absent where the kernel has none.", h => h.Ksm, (h, v) => h.Ksm = v));
}
