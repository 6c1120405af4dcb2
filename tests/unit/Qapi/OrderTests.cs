using HostMemd.Qapi;

namespace HostMemd.Unit;

public class OrderTests
{
    static Members Of(params string[] names)
    {
        var members = new Members();
        foreach (var name in names)
            members.Add(name, Value.Null);
        return members;
    }

    static string[] Sorted(params string[] names) => [.. QDictOrder.Sort(Of(names)).Select(m => m.Key)];

    // Replies recorded from QEMU (qmp.md § 1, § 2, § 9; backends.md § 12), whatever order the members were added in.
    [Theory]
    [InlineData("share reserve prealloc host-nodes size merge dump policy id")]
    [InlineData("abstract name parent")]
    [InlineData("timestamp event data")]
    [InlineData("seconds microseconds")]
    [InlineData("id error")]
    [InlineData("return id")]
    [InlineData("version capabilities")]
    [InlineData("qemu package")]
    [InlineData("name description type")]
    [InlineData("exec-oob bar execute arguments id foo")]
    public void QDict_IsWalkedInBuckets(string order)
    {
        var names = order.Split(' ');

        Assert.Equal(names, Sorted(names));
        Assert.Equal(names, Sorted([.. names.Reverse()]));
    }

    // "micro, minor, major" is sent; minor and micro share bucket 225, where the last one added comes first.
    [Fact]
    public void QDict_InOneBucket_LastAddedComesFirst()
    {
        Assert.Equal(["micro", "minor"], Sorted("minor", "micro"));
        Assert.Equal(["minor", "micro"], Sorted("micro", "minor"));
    }

    [Fact]
    public void QDict_OfManyMembers_IsWalkedLikeOneOfFew()
    {
        string[] names = [.. Enumerable.Range(0, 300).Select(i => $"member-{i}")];

        var many = Sorted(names);

        // Any two of them, alone, are in the same order.
        for (var i = 0; i + 1 < many.Length; i++)
        {
            string[] pair = [.. names.Where(n => n == many[i] || n == many[i + 1])];
            Assert.Equal([many[i], many[i + 1]], Sorted(pair));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(5000)]
    public void Glib_WalksEveryNameOnce(int count)
    {
        var order = GlibOrder.Walk([.. Enumerable.Range(0, count).Select(i => $"n{i}")]);

        Assert.Equal(Enumerable.Range(0, count), order.Order());
    }

    // The order of qom-list in QEMU (backends.md § 2), which hands the table out backwards. The first is the order in which QEMU registers
    // the properties: names that collide come in it.
    [Theory]
    [InlineData("discard-data mem-path align offset pmem readonly rom", "pmem align offset mem-path rom discard-data readonly")]
    [InlineData("hugetlb hugetlbsize seal", "hugetlb seal hugetlbsize")]
    [InlineData("merge dump prealloc prealloc-threads prealloc-context size host-nodes policy share reserve x-use-canonical-path-for-ramblock-id",
        "share size dump prealloc-threads x-use-canonical-path-for-ramblock-id policy prealloc-context prealloc reserve host-nodes merge")]
    public void Glib_OrderIsThatOfQomList(string registered, string listed)
    {
        var names = registered.Split(' ');

        Assert.Equal(listed.Split(' '), GlibOrder.Walk(names).Reverse().Select(i => names[i]));
    }
}
