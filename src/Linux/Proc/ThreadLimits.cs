using System.Globalization;

namespace HostMemd.Linux;

/// <summary>What keeps a process from having another thread: clone(2), EAGAIN.</summary>
public static class ThreadLimits
{
    /// <summary>The limits of the user and of the control groups on the way to the root, as far as there are any.</summary>
    /// <param name="proc">Where procfs is.</param>
    /// <param name="cgroups">Where the hierarchy is mounted.</param>
    public static string Describe(string proc = "/proc", string cgroups = "/sys/fs/cgroup")
    {
        var limits = new List<string>();
        if (Rlimit.Get(Rlimit.RLIMIT_NPROC, out var soft, out _).Ok && soft != Rlimit.RLIM_INFINITY)
            limits.Add(string.Create(CultureInfo.InvariantCulture, $"RLIMIT_NPROC is {soft}"));
        foreach (var line in (ProcFile.Text(proc + "/self/cgroup") ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // cgroups(7): hierarchy, controllers, path; version 2 names no controllers.
            var parts = line.Split(':', 3);
            if (parts.Length == 3 && (parts[1].Length == 0 || parts[1] == "pids"))
                Add(limits, cgroups + (parts[1].Length == 0 ? "" : "/pids"), parts[2]);
        }
        return limits.Count == 0 ? Errno.EAGAIN.Text : $"{Errno.EAGAIN.Text}, {string.Join(", ", limits)}";
    }

    static void Add(List<string> limits, string root, string group)
    {
        for (var at = group.TrimEnd('/'); ; at = at[..at.LastIndexOf('/')])
        {
            // Without a limit it is the word "max".
            if (ProcFile.Number($"{root}{at}/pids.max") is { } most && ProcFile.Number($"{root}{at}/pids.current") is { } used)
                limits.Add(string.Create(
                    CultureInfo.InvariantCulture, $"pids.max of {(at.Length == 0 ? "/" : at)} is {most} and {used} are used"));
            if (at.Length == 0)
                return;
        }
    }
}
