using System.Collections.Concurrent;

namespace HostMemd.Linux;

/// <summary>What this machine and its kernel are like.</summary>
public static class Host
{
    // A type whose initializer has failed once, for want of memory, fails for ever: what asks the kernel is not in it.
    static readonly ConcurrentDictionary<int, bool> s_hasMadvise = new();
    static readonly Lazy<bool> s_hasNuma = new(() => Sysfs.OnlineNodes().Length > 0, LazyThreadSafetyMode.PublicationOnly);

    /// <summary>The kernel was built with NUMA support: at least one node is online.</summary>
    public static bool HasNuma => s_hasNuma.Value;

    /// <summary>Bytes in an ordinary page.</summary>
    public static ulong PageSize => (ulong)Environment.SystemPageSize;

    /// <summary>Bytes in a huge page if none is asked for by size, 0 without hugetlb: Hugepagesize of proc_meminfo(5).</summary>
    public static ulong DefaultHugePageSize => Procfs.MemInfo("Hugepagesize") ?? 0;

    /// <summary>vm.overcommit_memory: 0 heuristic, 1 always, 2 never.</summary>
    /// <param name="known">Whether the file could be read.</param>
    /// <param name="proc">Where procfs is.</param>
    public static int OvercommitMode(out bool known, string proc = "/proc")
    {
        var mode = ProcFile.Number(proc + "/sys/vm/overcommit_memory");
        known = mode is not null;
        return (int)(mode ?? 0);
    }

    /// <summary>How many mappings a process may have: vm.max_map_count, or the kernel's default if it cannot be read.</summary>
    /// <param name="proc">Where procfs is.</param>
    public static ulong MaxMapCount(string proc = "/proc") => ProcFile.Number(proc + "/sys/vm/max_map_count") ?? 65530;

    /// <summary>Whether the kernel knows an advice that can be given to an anonymous page, asked once of a scratch page:
    /// MADV_MERGEABLE (EINVAL without KSM), MADV_HUGEPAGE, MADV_DONTDUMP, MADV_POPULATE_WRITE (EINVAL before Linux 5.14).</summary>
    /// <param name="advice">MADV_*.</param>
    public static bool HasMadvise(int advice)
    {
        if (s_hasMadvise.TryGetValue(advice, out var known))
            return known;
        MapRequest page = new() { Length = PageSize, Flags = Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS };
        // A machine that cannot map a page now may be able to later: not remembered.
        if (MappedMemory.Map(page, out var scratch).Failed)
            return false;
        using (scratch)
            return s_hasMadvise[advice] = scratch!.Advise(0, PageSize, advice) != Errno.EINVAL;
    }
}
