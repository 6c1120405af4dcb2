using HostMemd.Backend.Memory;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;

namespace HostMemd.Unit.Backend;

public class QomClassTests
{
    const string Common = "type share size dump prealloc-threads x-use-canonical-path-for-ramblock-id policy prealloc-context prealloc "
        + "reserve host-nodes merge";

    public static TheoryData<QomClass, string> Listed => new()
    {
        { RamBackend.RamClass, Common },
        { FileBackend.FileClass, Common + " pmem align offset mem-path rom discard-data readonly" },
        { MemfdBackend.MemfdClass, Common + " hugetlb seal hugetlbsize" },
        { ThreadContext.ContextClass, "type thread-id node-affinity cpu-affinity" },
    };

    // backends.md § 2: 11.1 and 7.2 alike.
    [Theory, MemberData(nameof(Listed), DisableDiscoveryEnumeration = true)]
    public void Properties_AreListedInQemusOrder(QomClass type, string names) =>
        Assert.Equal(names.Split(' '), type.Listed.Select(p => p.Name));

    // backends.md § 3.3: the order in which object-add checks its members.
    [Fact]
    public void Properties_AreCheckedInSchemaOrder() => Assert.Equal(
        ["dump", "host-nodes", "merge", "policy", "prealloc", "prealloc-threads", "prealloc-context", "share", "reserve", "size",
            "x-use-canonical-path-for-ramblock-id", "hugetlb", "hugetlbsize", "seal"],
        MemfdBackend.MemfdClass.Members.Select(m => m.Name));
}
