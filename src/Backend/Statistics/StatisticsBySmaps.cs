using HostMemd.Backend.Regions;
using HostMemd.Backend.Threads;
using HostMemd.Linux;

namespace HostMemd.Backend.Statistics;

/// <summary>
/// Reads statistics from smaps and numa_maps: all that the kernel reports, in two passes over everything this process has mapped, however
/// few objects are asked for.
/// </summary>
static class StatisticsBySmaps
{
    public static void Read(IReadOnlyList<(MemoryRegion Region, MemoryStatistics Into)> wanted)
    {
        ulong[] addresses = [.. wanted.Select(w => w.Region.Mapping.Address).Order()];
        // On a second thread beside smaps; after it where the kernel grants no thread: this one may be the spare one, which would wait for
        // itself.
        var placing = OwnThread.TryRun(() => Placement(addresses));
        // The kernel may have joined a mapping with its neighbour, so a region is searched inside of mappings.
        var smaps = SmapsTable.Read((start, end) =>
        {
            var at = Array.BinarySearch(addresses, start);
            at = at < 0 ? ~at : at;
            return at < addresses.Length && addresses[at] < end;
        });
        var placement = placing?.GetAwaiter().GetResult() ?? Placement(addresses);
        foreach (var (region, into) in wanted)
        {
            Count(region, smaps, into);
            if (placement.TryGetValue(region.Mapping.Address, out var numa))
            {
                into.KernelPolicy = numa.Policy;
                Place(numa, into);
            }
        }
    }

    /// <summary>The lines of numa_maps for mappings that begin at these addresses.</summary>
    /// <param name="addresses">Ascending.</param>
    public static Dictionary<ulong, NumaMapsEntry> Placement(ulong[] addresses)
    {
        var placement = new Dictionary<ulong, NumaMapsEntry>();
        foreach (var entry in Procfs.NumaMaps())
        {
            if (Array.BinarySearch(addresses, entry.Address) >= 0)
                placement[entry.Address] = entry;
        }
        return placement;
    }

    public static void Place(NumaMapsEntry numa, MemoryStatistics into) =>
        into.Nodes = [.. numa.Nodes.OrderBy(n => n.Key).Select(n => KeyValuePair.Create(n.Key, n.Value * numa.KernelPageSize))];

    static void Count(MemoryRegion region, SmapsTable smaps, MemoryStatistics into)
    {
        foreach (var entry in smaps.Find(region.Mapping.Address, region.Mapping.Length))
        {
            var hugeTlb = entry.PrivateHugetlb + entry.SharedHugetlb;
            into.Resident += entry.Rss + hugeTlb;
            into.Huge += entry.AnonHugePages + entry.ShmemPmdMapped + entry.FilePmdMapped + hugeTlb;
            into.Swapped += entry.Swap;
            into.IsMergeable |= entry.Flags.Contains("mg");
            into.DumpEffective = !entry.Flags.Contains("dd");
            if (entry.Ksm is { } merged)
                into.MergingBytes = (into.MergingBytes ?? 0) + merged;
        }
        if (region.FilePages() is { } pages)
        {
            // The file's count includes swapped pages.
            into.Resident = Math.Max(into.Resident, pages - Math.Min(pages, into.Swapped));
            if (region.IsHugeTlb)
                into.Huge = into.Resident;
        }
    }
}
