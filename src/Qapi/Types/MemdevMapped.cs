using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Qapi;

/// <summary>The reply to <c>memdev-map</c>. The descriptor comes with its first byte.</summary>
public sealed class MemdevMapped
{
    public string Mapping { get; set; } = "";
    public string Id { get; set; } = "";
    public ulong Size { get; set; }
    public ulong PageSize { get; set; }
    public bool Share { get; set; }
    public bool ReadOnly { get; set; }
    public ulong Offset { get; set; }
    public string? Path { get; set; }

    public static QapiStruct<MemdevMapped> Schema { get; } = new("MemdevMapped", rows => rows
        .Row("mapping", Str, "The lease; for memdev-unmap.", m => m.Mapping, (m, v) => m.Mapping = v)
        .Row("id", Str, "The backend.", m => m.Id, (m, v) => m.Id = v)
        .Row("size", QapiTypes.Size, "Bytes to map, from `offset` on.", m => m.Size, (m, v) => m.Size = v)
        .Row("page-size", QapiTypes.Size, "Bytes of a page.", m => m.PageSize, (m, v) => m.PageSize = v)
        .Row("share", Bool, "The daemon's own mapping is shared, so both see the same.", m => m.Share, (m, v) => m.Share = v)
        .Row("readonly", Bool, "The descriptor cannot be mapped writable.", m => m.ReadOnly, (m, v) => m.ReadOnly = v)
        .Row("offset", QapiTypes.Size, "Where in the descriptor the memory begins, in bytes: 0 but for files.",
            m => m.Offset, (m, v) => m.Offset = v)
        .Opt("path", Str, "Opens the same memory, for those who cannot receive descriptors; absent for a client in another pid namespace, "
            + "where it would mean another process.", m => m.Path, (m, v) => m.Path = v));
}
