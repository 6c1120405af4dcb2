using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Qapi;

/// <summary>
/// Lease: a process borrowed the memory by memdev-map. Kernel: the kernel shows a process without a lease. Unseen: the kernel reports a
/// user, and no process that the daemon may inspect is one.
/// </summary>
public enum MemdevMappingKind { Lease, Kernel, Unseen }

/// <summary>One user of memory, as <c>query-memdev-mappings</c> lists it.</summary>
public sealed class MemdevMapping
{
    public string Id { get; set; } = "";
    public long Pid { get; set; }
    public string Comm { get; set; } = "";
    public MemdevMappingKind Kind { get; set; }
    public string? Mapping { get; set; }
    public string? Name { get; set; }
    public bool ReadOnly { get; set; }
    public ulong Size { get; set; }
    public long? Since { get; set; }

    public static QapiEnum<MemdevMappingKind> KindType { get; } = new("MemdevMappingKind",
        ("lease", MemdevMappingKind.Lease), ("kernel", MemdevMappingKind.Kernel), ("unseen", MemdevMappingKind.Unseen));

    public static QapiStruct<MemdevMapping> Schema { get; } = new("MemdevMapping", rows => rows
        .Row("id", Str, "The backend.", m => m.Id, (m, v) => m.Id = v)
        .Row("pid", Int, "The process; 0 for unseen ones and for those of another pid namespace, which have no number here.",
            m => m.Pid, (m, v) => m.Pid = v)
        .Row("comm", Str, "Its name.", m => m.Comm, (m, v) => m.Comm = v)
        .Row("kind", KindType, "How it is known.", m => m.Kind, (m, v) => m.Kind = v)
        .Opt("mapping", Str, "The lease.", m => m.Mapping, (m, v) => m.Mapping = v)
        .Opt("name", Str, "What was said of it; of unseen ones why nobody is named.", m => m.Name, (m, v) => m.Name = v)
        .Row("readonly", Bool, "It cannot write to the memory.", m => m.ReadOnly, (m, v) => m.ReadOnly = v)
        .Row("size", QapiTypes.Size, "Bytes of the memory.", m => m.Size, (m, v) => m.Size = v)
        .Opt("since", UnixTime, "When the lease was given.", m => m.Since, (m, v) => m.Since = v));
}
