using HostMemd.Backend.Memory;
using HostMemd.Backend.Regions;
using HostMemd.Linux;

namespace HostMemd.Backend.Statistics;

/// <summary>The kernel's figures for the memory of one object. Bytes throughout.</summary>
public sealed class MemoryStatistics
{
    public ulong Resident { get; internal set; }
    public ulong Huge { get; internal set; }
    public ulong Swapped { get; internal set; }

    /// <summary>Resident bytes by node, ascending, that this process has mapped and touched.</summary>
    public IReadOnlyList<KeyValuePair<int, ulong>> Nodes { get; internal set; } = [];

    /// <summary>The kernel considers the memory for merging.</summary>
    public bool MergeEffective { get; private set; }

    /// <summary>Why <c>merge</c> has no effect; null if it has, or is off.</summary>
    public string? MergeReason { get; private set; }

    /// <summary>Bytes that are merged; null on kernels that do not report it for a single mapping (before 6.6).</summary>
    public ulong? MergingBytes { get; internal set; }

    public bool DumpEffective { get; internal set; } = true;

    /// <summary>The kernel's policy as numa_maps writes it, such as <c>bind:0-1</c>; null without NUMA.</summary>
    public string? KernelPolicy { get; internal set; }

    /// <summary>The kernel has accepted the advice to merge; not read while the kernel merges nothing.</summary>
    internal bool IsMergeable { get; set; }

    /// <summary>
    /// Reads the statistics of many objects at once. Slow on large memory, since the kernel walks the page tables. Called <b>without</b>
    /// the state.
    /// </summary>
    public static IReadOnlyList<MemoryStatistics> Read(IReadOnlyList<HostMemoryBackend> backends)
    {
        var regions = backends.Select(b => b.Region).ToArray();
        var ksmRuns = Sysfs.Ksm("run")?.Trim();
        MemoryStatistics[] result;
        AddressSpace.Enter();
        try
        {
            result = Read(regions, StatisticsByScan.Open(ksmRuns == "1"));
        }
        finally
        {
            AddressSpace.Leave();
        }
        for (var i = 0; i < regions.Length; i++)
        {
            if (regions[i] is { } region)
                result[i].ExplainMerge(backends[i].Merge, region, ksmRuns);
        }
        return result;
    }

    /// <param name="regions">The memory of each object; null gives the default.</param>
    /// <param name="scan">Reads object by object; null to read everything.</param>
    internal static MemoryStatistics[] Read(MemoryRegion?[] regions, StatisticsByScan? scan)
    {
        var result = Array.ConvertAll(regions, _ => new MemoryStatistics());
        var rest = new List<(MemoryRegion Region, MemoryStatistics Into)>();
        using (scan)
        {
            for (var i = 0; i < regions.Length; i++)
            {
                if (regions[i] is { } region && scan?.TryRead(region, result[i]) != true)
                    rest.Add((region, result[i]));
            }
            scan?.Place();
        }
        if (rest.Count > 0)
            StatisticsBySmaps.Read(rest);
        return result;
    }

    void ExplainMerge(bool wanted, MemoryRegion region, string? ksmRuns)
    {
        var runs = ksmRuns == "1";
        // The success of madvise means nothing: the kernel accepts the advice for shared memory and huge pages too, and ignores it.
        var possible = !region.IsShared && !region.IsHugeTlb;
        MergeEffective = IsMergeable && possible && runs;
        if (!wanted || MergeEffective)
            return;
        MergeReason = region.IsHugeTlb ? "huge pages are not merged"
            : region.IsShared ? "shared memory is not merged"
            : ksmRuns is null ? "this kernel has no KSM"
            : !runs ? "KSM is not running"
            : "the kernel did not take the advice";
    }
}
