namespace HostMemd.Fuzz;

/// <summary>What a process holds, by /proc; without what the runtime opens for itself now and then.</summary>
readonly record struct ProcessCounts(int Files, int Watched, int Maps, int Threads, int Backends, long ResidentKiB)
{
    public static ProcessCounts Of(int pid)
    {
        var maps = File.ReadAllLines($"/proc/{pid}/maps");
        var resident = File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1];
        var targets = Targets(pid);
        return new(targets.Count, targets.Count(t => t is "anon_inode:[pidfd]" or "anon_inode:[eventpoll]"), maps.Length, Directory.GetDirectories($"/proc/{pid}/task").Length, maps.Count(IsBackend),
            long.Parse(resident, System.Globalization.CultureInfo.InvariantCulture));
    }

    public static string Left(int pid) => string.Join('\n', File.ReadAllLines($"/proc/{pid}/maps").Where(IsBackend).Concat(Targets(pid).Order()).Take(100));

    // But for the two of the runtime: doublemapper, dotnet_ipc_created.
    static bool IsBackend(string line) =>
        (line.Contains("/memfd:", StringComparison.Ordinal) && !line.Contains("/memfd:do", StringComparison.Ordinal))
        || line.Contains("/dev/shm/qemu", StringComparison.Ordinal) || line.Contains("hostmemd-fuzz-", StringComparison.Ordinal);

    public static List<string> Targets(int pid)
    {
        var result = new List<string>();
        var program = new FileInfo($"/proc/{pid}/exe").LinkTarget;
        foreach (var path in Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd"))
        {
            string? target = null;
            try
            {
                target = new FileInfo(path).LinkTarget;
            }
            catch (IOException)
            {
                // Closed meanwhile.
            }
            if (target is not null && !BuiltDaemon.IsRuntimes(target, program))
                result.Add(target);
        }
        return result;
    }
}
