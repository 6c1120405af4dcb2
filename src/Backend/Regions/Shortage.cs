using HostMemd.Linux;

namespace HostMemd.Backend.Regions;

/// <summary>Finds out what was short when memory could not be filled: the kernel only says "bad address" (mbind(2), madvise(2)).</summary>
/// <param name="region">The memory to be filled.</param>
/// <param name="nodes">The nodes that the memory is bound to; empty for all.</param>
/// <param name="reserved">Its huge pages were reserved when it was mapped.</param>
sealed class Shortage(MemoryRegion region, NodeSet nodes, bool reserved)
{
    /// <summary>
    /// Compares the bytes still to be filled with the pool of huge pages, before a page is touched: midway the kernel answers with SIGBUS
    /// or EFAULT. Null if there is enough, or if the memory is not in huge pages.
    /// </summary>
    public string? OfHugePages()
    {
        // The kernel reserves pages of the machine, not of a node: only a binding can make a reservation fall short.
        if (!region.IsHugeTlb || (reserved && nodes.IsEmpty) || region.Mapping.Resident(out var resident).Failed)
            return null;
        var needed = (region.Mapping.Length - Math.Min(resident, region.Mapping.Length)) / region.PageSize;
        var free = FreePages(out var where);
        return needed <= free ? null : $"{needed} huge pages of {ByteText.Of(region.PageSize)} needed, {free} free{where}";
    }

    /// <summary>
    /// Compares the bytes still to be filled with those that the daemon's control group may still take: midway the kernel kills a process
    /// of the group. Null if there is enough, or no limit.
    /// </summary>
    /// <param name="promised">Bytes that other fillings are still going to take.</param>
    public string? OfControlGroup(ulong promised)
    {
        // Huge pages of a pool are not charged; pages of a file on a disk can be written back.
        if (region.IsHugeTlb || (region.IsShared && !region.AllocatesQuickly) || MemoryCgroup.Available() is not { } left
            || region.Mapping.Resident(out var resident).Failed)
            return null;
        var needed = region.Mapping.Length - Math.Min(resident, region.Mapping.Length);
        var swap = Procfs.MemInfo("SwapFree") ?? 0;
        return needed + promised <= left + swap ? null
            : $"{needed} bytes needed, {left - Math.Min(left, promised)} left to the control group";
    }

    /// <summary>What was short when the kernel returned that error, with the figures; null if that is not known.</summary>
    public string? Describe(Errno errno)
    {
        if (errno != Errno.EFAULT && errno != Errno.ENOMEM && errno != Errno.ENOSPC)
            return null;
        // Memory beyond the end of its file cannot be touched: another process has made the file shorter, or it was empty and read-only.
        if (region.File is { } store && Files.Status(store, out var end) is { Ok: true } && end.IsRegular
            && end.Size < region.Offset + region.Mapping.Length)
            return $"the file has {end.Size} bytes of {region.Offset + region.Mapping.Length}";
        if (region.IsHugeTlb)
            return $"{FreePages(out var where)} free huge pages of {ByteText.Of(region.PageSize)}{where}";
        // Each page of private memory on a file in memory takes a page of the file too; on a disk holes are read as zeroes.
        if ((region.IsShared || region.AllocatesQuickly) && region.File is { } file
            && Files.FileSystem(file, out var status).Ok && status.Total > 0 && status.Available < region.Mapping.Length)
            return $"{status.Available} bytes free in the file system";
        if (MemoryCgroup.Available() is { } left && left < region.Mapping.Length)
            return $"{left} bytes left to the control group";
        return $"{Procfs.MemInfo("MemAvailable") ?? 0} bytes available on the host";
    }

    ulong FreePages(out string where)
    {
        var pool = Sysfs.Pool(region.PageSize);
        // The page allocator may supply pages above the pool's size (nr_overcommit_hugepages).
        var overcommit = ProcFile.Number($"/sys/kernel/mm/hugepages/hugepages-{region.PageSize / 1024}kB/nr_overcommit_hugepages") ?? 0;
        var more = overcommit - Math.Min(overcommit, pool.Surplus);
        where = "";
        if (nodes.IsEmpty)
            return pool.Free - Math.Min(pool.Free, reserved ? 0 : pool.Reserved) + more;
        where = " on node " + string.Join(", ", nodes.ToList());
        return nodes.ToList().Aggregate(0UL, (sum, node) => sum + Sysfs.Pool(region.PageSize, node).Free) + more;
    }
}
