using HostMemd.Backend.Regions;
using HostMemd.Linux;

namespace HostMemd.Backend.Statistics;

/// <summary>
/// Reads statistics object by object, each at the price of its own page tables: faster than smaps (docs/decisions/0007), and an mmap does
/// not wait for a whole object. It does not see merged pages, nor pages of a shared file in swap space: where there may be any, it leaves
/// the object to <see cref="StatisticsBySmaps"/>. For one thread.
/// </summary>
sealed class StatisticsByScan : IDisposable
{
    readonly PageScan _pages;
    readonly bool _maySwap = Procfs.MemInfo("SwapTotal") != Procfs.MemInfo("SwapFree");
    // Read for private memory only: for ksm_stat the kernel walks every mapping of the process.
    readonly Lazy<bool> _mayMerge;
    readonly int[] _nodes = Sysfs.MemoryNodes();
    readonly string? _processPolicy = PolicyOfProcess();
    readonly List<(MemoryRegion Region, MemoryStatistics Into)> _toPlace = [];

    StatisticsByScan(PageScan pages, bool ksmRuns)
    {
        _pages = pages;
        _mayMerge = new(() => ksmRuns || Procfs.KsmMergingPages() > 0 || Procfs.KsmStat("ksm_zero_pages") > 0);
    }

    /// <summary>Opens the page tables; null where the kernel does not show them.</summary>
    /// <param name="ksmRuns">The kernel is merging pages.</param>
    public static StatisticsByScan? Open(bool ksmRuns) => PageScan.Open() is { } pages ? new(pages, ksmRuns) : null;

    /// <returns>False if smaps must be read; nothing is written then.</returns>
    public bool TryRead(MemoryRegion region, MemoryStatistics into) =>
        // An object that was deleted meanwhile has no figures, and smaps need not be read for it.
        Read(region, into) || region.Mapping.IsClosed;

    bool Read(MemoryRegion region, MemoryStatistics into)
    {
        if (!region.IsShared && _mayMerge.Value)
            return false;
        var ofFile = region.FilePages();
        PageCounts counts = default;
        // A file without pages has no mapped ones.
        if (ofFile != 0 && region.Mapping.CountPages(_pages, out counts).Failed)
            return false;
        if (_maySwap && (counts.Swapped > 0 || ofFile > counts.Present))
            return false;
        if (!TryPolicy(region, out var policy))
            return false;
        // Without swap space, an entry without a page belongs to a page that is being moved to another node.
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

    /// <summary>If there are several nodes, reads numa_maps once for all regions that were read.</summary>
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
        // Memory without a policy of its own follows the process's, and numa_maps writes that one.
        text = errno.Failed || mode == NumaCalls.MPOL_DEFAULT ? _processPolicy : NumaCalls.PolicyText(mode, mask);
        return errno.Ok ? text is not null : errno == Errno.ENOSYS; // a kernel without NUMA
    }

    static string? PolicyOfProcess()
    {
        Span<ulong> mask = stackalloc ulong[NumaCalls.NodeWords];
        return NumaCalls.GetPolicy(out var mode, mask, 0).Ok ? NumaCalls.PolicyText(mode, mask) : null;
    }
}
