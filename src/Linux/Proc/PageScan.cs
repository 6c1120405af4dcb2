using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>What the page tables of a range hold. Bytes.</summary>
/// <param name="Present">Mapped to memory; the zero page does not count, nor does it in smaps.</param>
/// <param name="Huge">Of these, mapped by entries for huge pages: of a pool or transparent.</param>
/// <param name="Swapped">Entries that stand for no page at present: in swap space, or on its way to another node.</param>
public readonly record struct PageCounts(ulong Present, ulong Huge, ulong Swapped);

/// <summary>
/// This process's page tables, range by range: PAGEMAP_SCAN (Linux 6.7), Documentation/admin-guide/mm/pagemap.rst. smaps takes all
/// mappings in turn and keeps the address space from changing while it counts one of them; this counts the range that it is given and
/// releases the address space in between. One thread at a time.
/// </summary>
public sealed unsafe partial class PageScan : IDisposable
{
    internal const uint PAGEMAP_SCAN = 0xc0606610;
    internal const ulong PAGE_IS_PRESENT = 1 << 3;
    internal const ulong PAGE_IS_SWAPPED = 1 << 4;
    internal const ulong PAGE_IS_PFNZERO = 1 << 5;
    internal const ulong PAGE_IS_HUGE = 1 << 6;

    const ulong Asked = PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_PFNZERO | PAGE_IS_HUGE;
    const int RegionsPerCall = 128; // 3 KiB of stack
    const ulong BytesPerCall = 256 << 20; // a millisecond of 4 KiB pages, for which another thread's mmap would wait

#pragma warning disable CS0649 // the kernel writes it
    // struct page_region
    struct Region
    {
        internal ulong Start, End, Categories;
    }
#pragma warning restore CS0649

    // struct pm_scan_arg
    struct Request
    {
        internal ulong Size, Flags, Start, End, WalkEnd, Regions, RegionCount, MaxPages, Inverted, AllOf, AnyOf, Return;
    }

    readonly SafeFileHandle _file;
    MmapYield _yield;

    PageScan(SafeFileHandle file) => _file = file;

    /// <summary>Null if there is no pagemap; the first <see cref="MappedMemory.CountPages"/> reports whether the kernel can scan
    /// it.</summary>
    public static PageScan? Open() =>
        Files.Open("/proc/self/pagemap", Files.O_RDONLY | Files.O_CLOEXEC, 0, out var file).Ok ? new PageScan(file!) : null;

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    internal Errno Count(nint address, ulong length, out PageCounts counts)
    {
        counts = default;
        var regions = stackalloc Region[RegionsPerCall];
        ulong start = (ulong)address, end = start + length;
        while (start < end)
        {
            Request request = new()
            {
                Size = (ulong)sizeof(Request),
                Start = start,
                End = Math.Min(end, start + BytesPerCall),
                Regions = (ulong)regions,
                RegionCount = RegionsPerCall,
                AnyOf = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
                Return = Asked,
            };
            if (Faults.Hit(nameof(PAGEMAP_SCAN), out var error))
                return error;
            var begun = Stopwatch.GetTimestamp();
            var found = ioctl(_file, PAGEMAP_SCAN, &request);
            if (found < 0 && (error = Errno.Last) != Errno.EINTR)
                return error;
            _yield.AfterCall(Stopwatch.GetElapsedTime(begun));
            for (var i = 0; i < found; i++)
                counts = Add(counts, regions[i]);
            if (found < 0)
                continue;
            // As far as it got: all of the part, or what the regions had room for.
            if (request.WalkEnd <= start)
                return Errno.EINVAL;
            start = request.WalkEnd;
        }
        return Errno.None;
    }

    static PageCounts Add(PageCounts counts, Region region)
    {
        var bytes = region.End - region.Start;
        if ((region.Categories & PAGE_IS_PRESENT) == 0)
            return counts with { Swapped = counts.Swapped + bytes };
        if ((region.Categories & PAGE_IS_PFNZERO) != 0)
            return counts;
        var huge = (region.Categories & PAGE_IS_HUGE) != 0 ? bytes : 0;
        return counts with { Present = counts.Present + bytes, Huge = counts.Huge + huge };
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int ioctl(SafeFileHandle fd, nuint request, Request* argument);
}
