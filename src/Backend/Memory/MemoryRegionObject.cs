using HostMemd.Backend.Qom;
using HostMemd.Qapi;

namespace HostMemd.Backend.Memory;

/// <summary>
/// The child <c>ID[0]</c> that QEMU shows below a backend: its memory as an object. Read only; there is no guest to put it into.
/// </summary>
public sealed class MemoryRegionObject(HostMemoryBackend owner) : QomObject(RegionClass, NameOf(owner))
{
    public static QomClass RegionClass { get; } = new("memory-region", BaseClass, new PropertyTable<MemoryRegionObject>()
        .Row("container", QapiTypes.Str, null, _ => "", set: null, qomType: "link<memory-region>", note: "Always empty: there is no guest.")
        .Row("addr", QapiTypes.U64, null, _ => 0UL, set: null, qomType: "uint64", note: "Always 0: there is no guest.")
        .Row("size", QapiTypes.Size, null, r => r.Backend.Size, set: null, qomType: "uint64", note: "Size of the memory in bytes.")
        .Row("priority", QapiTypes.U32, null, _ => 0u, set: null, qomType: "uint32", note: "Always 0: there is no guest.")
        .Rows);

    HostMemoryBackend Backend { get; } = owner;

    // QEMU escapes the slashes of a whole path as the four characters \x2f.
    static string NameOf(HostMemoryBackend owner) => owner.RegionName.Replace("/", "\\x2f", StringComparison.Ordinal) + "[0]";
}
