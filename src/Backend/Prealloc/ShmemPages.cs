using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Prealloc;

/// <summary>Whether the kernel may use pages above 4 KiB for a file in memory (Documentation/admin-guide/mm/transhuge.rst).</summary>
static class ShmemPages
{
    const string Settings = "/sys/kernel/mm/transparent_hugepage";

    /// <summary>
    /// Every page will be of the host's size. Otherwise only page faults, and so populating, make large pages under "advise": allocating
    /// ahead by fallocate(2) or page by page would lose them, and most of the speed.
    /// </summary>
    public static bool AreSmall(SafeFileHandle file)
    {
        if (ProcFile.Text($"{Settings}/shmem_enabled") is not { } enabled || enabled.Contains("[deny]", StringComparison.Ordinal))
            return true;
        if (enabled.Contains("[force]", StringComparison.Ordinal))
            return false;
        // A tmpfs has its own mount option, and without one no large pages. A memfd is on a mount that is not visible.
        if (Files.Status(file, out var status).Ok && MountOptions($"{status.Major}:{status.Minor}") is { } options)
            return !options.Contains("huge=", StringComparison.Ordinal) || options.Contains("huge=never", StringComparison.Ordinal);
        return enabled.Contains("[never]", StringComparison.Ordinal) && !OtherSizes();
    }

    // Since Linux 6.10 sizes between one page and 2 MiB have settings of their own; "inherit" is the setting above.
    static bool OtherSizes() => Directory.Exists(Settings)
        && Directory.EnumerateDirectories(Settings, "hugepages-*kB")
            .Select(size => ProcFile.Text(size + "/shmem_enabled"))
            .Any(word => word is not null && !word.Contains("[never]", StringComparison.Ordinal)
                && !word.Contains("[inherit]", StringComparison.Ordinal));

    static string? MountOptions(string device)
    {
        using var mounts = ProcFile.Open("/proc/self/mountinfo");
        while (mounts is not null && mounts.Next(out var line))
        {
            var text = System.Text.Encoding.UTF8.GetString(line);
            // proc_pid_mountinfo(5): the third word is the device, the last one the file system's own options.
            var words = text.Split(' ');
            if (words.Length > 3 && words[2] == device)
                return words[^1];
        }
        return null;
    }
}
