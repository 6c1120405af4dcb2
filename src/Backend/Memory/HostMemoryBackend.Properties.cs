using HostMemd.Backend.Qom;
using HostMemd.Qapi;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Backend.Memory;

// The rows that all backends share, in the order in which object-add checks them.
public abstract partial class HostMemoryBackend
{
    /// <summary>The abstract class <c>memory-backend</c>.</summary>
    public static QomClass BackendClass { get; } = new("memory-backend", BaseClass, new PropertyTable<HostMemoryBackend>()
        .SlowRow("dump", Bool, "Set to 'off' to exclude from core dump", b => b.Dump, (b, v, w) => b.SetDump(v, w))
        .SlowRow("host-nodes", ListOf(U16), "Binds memory to the list of NUMA host nodes",
            b => b.HostNodes.ToList(), (b, v, w) => b.SetHostNodes(v, w))
        .SlowRow("merge", Bool, "Mark memory as mergeable", b => b.Merge, (b, v, w) => b.SetMerge(v, w))
        .SlowRow("policy", Memdev.PolicyType, "Set the NUMA policy", b => b.Policy, (b, v, w) => b.SetPolicy(v, w))
        .SlowRow("prealloc", Bool, "Preallocate memory", b => b.Prealloc, (b, v, w) => b.SetPrealloc(v, w))
        .Row("prealloc-threads", U32, "Number of CPU threads to use for prealloc",
            b => b.PreallocThreads, (b, v) => b.SetPreallocThreads(v))
        .Row("prealloc-context", Str, "Context to use for creating CPU threads for preallocation",
            b => b.ContextPath, (b, v) => b.SetPreallocContext(v), qomType: "link<thread-context>")
        .Row("share", Bool, "Mark the memory as private to QEMU or shared", b => b.Share, (b, v) => b.SetShare(v))
        .Row("reserve", Bool, "Reserve swap space (or huge pages) if applicable", b => b.Reserve, (b, v) => b.SetReserve(v))
        .Row("size", QapiTypes.Size, "Size of the memory region (ex: 500M)", b => b.Size, (b, v) => b.SetSize(v), required: true,
            frozen: b => b.IsMapped ? QmpErrors.CannotChangeSize(b.Class.Name) : null)
        .Row("x-use-canonical-path-for-ramblock-id", Bool, null, b => b.UseCanonicalPath, (b, v) => b.UseCanonicalPath = v,
            note: "Name the memory by its whole path instead of its id.")
        .Rows, registered: "merge dump prealloc prealloc-threads prealloc-context size host-nodes policy share reserve")
    {
        IsAbstract = true,
    };
}
