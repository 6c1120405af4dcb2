using HostMemd.Backend.Regions;
using HostMemd.Linux;

namespace HostMemd.Backend.Statistics;

/// <summary>
/// Statistics of one object after the other, each at the price of its own page tables: 10,000 objects take a tenth of the time that
/// smaps does, and nobody's mmap waits for all of one to be counted. It does not see what is merged, nor what of a shared file is in swap
/// space: where that may be, it leaves the object to <see cref="StatisticsBySmaps"/>. One thread.
/// </summary>
sealed class StatisticsByScan : IDisposable
{
    readonly PageScan _pages;
    readonly bool _maySwap = Procfs.MemInfo("SwapTotal") != Procfs.MemInfo("SwapFree");
    // Asked of private memory only: ksm_stat looks at every mapping of the process.
    readonly Lazy<bool> _mayMerge;
    readonly int[] _nodes = Sysfs.MemoryNodes();
    readonly string? _processPolicy = PolicyOfProcess();
    readonly List<(MemoryRegion Region, MemoryStatistics Into)> _toPlace = [];

    StatisticsByScan(PageScan pages, bool ksmRuns)
    {
        _pages = pages;
        _mayMerge = new(() => ksmRuns || Procfs.KsmMergingPages() > 0 || Procfs.KsmStat("ksm_zero_pages") > 0);
    }

    /// <summary>Null where the kernel has no page tables to show.</summary>
    /// <param name="ksmRuns">The kernel merges pages at present.</param>
    public static StatisticsByScan? Open(bool ksmRuns) => PageScan.Open() is { } pages ? new(pages, ksmRuns) : null;

    /// <returns>False where smaps must be asked; nothing is written then.</returns>
    public bool TryRead(MemoryRegion region, MemoryStatistics into) =>
        // What has been deleted meanwhile is not worth a look at everything else: there is nothing to say of it.
        Read(region, into) || region.Mapping.IsClosed;

    bool Read(MemoryRegion region, MemoryStatistics into)
    {
        if (!region.IsShared && _mayMerge.Value)
            return false;
        var ofFile = region.FilePages();
        PageCounts counts = default;
        // A file without pages has none that could be mapped.
        if (ofFile != 0 && region.Mapping.CountPages(_pages, out counts).Failed)
            return false;
        if (_maySwap && (counts.Swapped > 0 || ofFile > counts.Present))
            return false;
        if (!TryPolicy(region, out var policy))
            return false;
        // Without swap space an entry without a page is one that is being moved to another node.
        var mapped = counts.Present + counts.Swapped;
        into.Resident = Math.Max(mapped, ofFile ?? 0);
        into.Huge = region.IsHugeTlb ? into.Resident : counts.Huge;
        into.MergingBytes = 0;
        into.DumpEffective = region.IsDumped;
        into.KernelPolicy = policy;
        if (mapped > 0 && _nodes.Length == 1)
            into.Nodes = [new(_nodes[0], mapped)];
        else if (mapped > 0)
            _toPlace.Add((region, into));
        return true;
    }

    /// <summary>Where there are several nodes, one look at numa_maps for all that has been read.</summary>
    public void Place()
    {
        if (_toPlace.Count == 0)
            return;
        var placement = StatisticsBySmaps.Placement([.. _toPlace.Select(p => p.Region.Mapping.Address).Order()]);
        foreach (var (region, into) in _toPlace)
        {
            if (placement.TryGetValue(region.Mapping.Address, out var numa))
                StatisticsBySmaps.Place(numa, into);
        }
    }

    public void Dispose() => _pages.Dispose();

    bool TryPolicy(MemoryRegion region, out string? text)
    {
        Span<ulong> mask = stackalloc ulong[NumaCalls.NodeWords];
        var errno = region.Mapping.PolicyAt(0, out var mode, mask);
        // What has no policy of its own follows the process's, and numa_maps writes that one.
        text = errno.Failed || mode == NumaCalls.MPOL_DEFAULT ? _processPolicy : NumaCalls.PolicyText(mode, mask);
        return errno.Ok ? text is not null : errno == Errno.ENOSYS; // a kernel without NUMA
    }

    static string? PolicyOfProcess()
    {
        Span<ulong> mask = stackalloc ulong[NumaCalls.NodeWords];
        return NumaCalls.GetPolicy(out var mode, mask, 0).Ok ? NumaCalls.PolicyText(mode, mask) : null;
    }
}
