namespace HostMemd.Linux;

/// <summary>The memory limit of this process's control group (cgroups(7); memory controller of version 2 or 1).</summary>
public static class MemoryCgroup
{
    /// <summary>Bytes until the nearest limit on the way to the root, or null if there is none. What it holds of files on disks counts
    /// as free: the kernel drops it before it refuses.</summary>
    /// <param name="proc">Where procfs is.</param>
    /// <param name="cgroups">Where the hierarchy is mounted.</param>
    public static ulong? Available(string proc = "/proc", string cgroups = "/sys/fs/cgroup")
    {
        ulong? nearest = null;
        var groups = ProcFile.Text(proc + "/self/cgroup");
        foreach (var line in (groups ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = line.Split(':', 3);
            if (parts.Length < 3)
                continue;
            if (parts[1].Length == 0)
                nearest = Nearest(nearest, cgroups, parts[2], "memory.max", "memory.current", "active_file", "inactive_file");
            else if (parts[1].Split(',').Contains("memory"))
                nearest = Nearest(nearest, cgroups + "/memory", parts[2], "memory.limit_in_bytes", "memory.usage_in_bytes",
                    "total_active_file", "total_inactive_file");
        }
        return nearest;
    }

    static ulong? Nearest(ulong? nearest, string root, string group, string limitFile, string usedFile,
        params ReadOnlySpan<string> caches)
    {
        for (var at = group.TrimEnd('/'); ; at = at[..at.LastIndexOf('/')])
        {
            // No limit is the word "max" in version 2 and a number near 2^63 in version 1.
            if (ProcFile.Number($"{root}{at}/{limitFile}") is { } limit && limit < long.MaxValue / 2
                && ProcFile.Number($"{root}{at}/{usedFile}") is { } used)
            {
                foreach (var cache in caches)
                    used -= Math.Min(used, ulong.TryParse(Procfs.FieldOf($"{root}{at}/memory.stat", cache), out var bytes) ? bytes : 0);
                nearest = Math.Min(nearest ?? ulong.MaxValue, limit - Math.Min(limit, used));
            }
            if (at.Length == 0)
                return nearest;
        }
    }
}
