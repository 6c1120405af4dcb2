using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Unit.Linux.Make;

namespace HostMemd.Unit.Linux;

/// <summary>Page tables by PAGEMAP_SCAN, beside what smaps says of the same memory.</summary>
public class PageScanTests
{
    static readonly ulong s_page = Host.PageSize;

    static PageCounts Count(MappedMemory memory)
    {
        using var scan = PageScan.Open()!;
        Assert.Equal(Errno.None, memory.CountPages(scan, out var counts));
        return counts;
    }

    static ulong RssOf(MappedMemory memory)
    {
        ulong sum = 0;
        foreach (var entry in SmapsTable.Read().Find(memory.Address, memory.Length))
            sum += entry.Rss;
        return sum;
    }

    [FactIf(Need.PageScan)]
    public void UntouchedMemory_HasNoPages()
    {
        using var memory = Anonymous(4 * MiB);

        Assert.Equal(default, Count(memory));
    }

    // One range in 128 that the kernel reports at a time; and one that is longer than a call looks at.
    [FactIf(Need.PageScan)]
    public void ScatteredPages_AreAllCounted()
    {
        using var fd = Memfd(3ul << 30);
        using var memory = Shared(fd, 3ul << 30);
        ulong[] starts = [0, MiB, (1ul << 30) - s_page, 1ul << 30, (2ul << 30) + MiB, (3ul << 30) - s_page];
        HashSet<ulong> touched = [.. starts, .. Enumerable.Range(0, 1000).Select(i => 64 * MiB + (ulong)i * 2 * s_page)];
        foreach (var at in touched)
            Assert.Equal(Errno.None, memory.Write(at, "x"u8));

        var counts = Count(memory);

        Assert.Equal((ulong)touched.Count * s_page, counts.Present);
        Assert.Equal(RssOf(memory), counts.Present);
    }

    // Some kernels have no zero page: memory that was only read has pages of its own there, and smaps counts them.
    [FactIf(Need.PageScan)]
    public void TheZeroPage_IsNoMemory()
    {
        using var memory = Anonymous(MiB);
        Assert.Equal(Errno.None, memory.Advise(0, MiB, Mman.MADV_NOHUGEPAGE));
        var read = new byte[MiB];
        Assert.Equal(Errno.None, memory.Read(0, read));
        Assert.Equal(Errno.None, memory.Write(5 * s_page, "x"u8));

        var counts = Count(memory);

        Assert.InRange(counts.Present, s_page, MiB);
        Assert.Equal(RssOf(memory), counts.Present);
    }

    [FactIf(Need.PageScan)]
    public void HugePages_AreHuge()
    {
        using var memory = Anonymous(8 * MiB, alignment: 2 * MiB);
        Assert.Equal(Errno.None, memory.Advise(0, 8 * MiB, Mman.MADV_HUGEPAGE));
        Assert.Equal(Errno.None, memory.Populate(0, 4 * MiB, write: true));
        var entry = Assert.Single(SmapsTable.Read().Find(memory.Address, memory.Length).ToArray());

        var counts = Count(memory);

        Assert.Equal(new PageCounts(entry.Rss, entry.AnonHugePages, 0), counts);
        Assert.Equal(4 * MiB, counts.Present);
    }

    [FactIf(Need.PageScan)]
    public void MemoryThatIsGone_IsAnError()
    {
        var memory = Anonymous(MiB);
        memory.Dispose();
        using var scan = PageScan.Open()!;

        Assert.Equal(Errno.EFAULT, memory.CountPages(scan, out _));
    }
}
