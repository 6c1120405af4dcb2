using System.Globalization;
using System.Text;
using HostMemd.Backend.Linux;

namespace HostMemd.Backend.Leases;

/// <summary>A file, as the kernel tells it apart from others.</summary>
public readonly record struct FileIdentity(string Device, ulong Inode);

/// <summary>A process that maps a file or has it open.</summary>
/// <param name="Pid">The process.</param>
/// <param name="Comm">Its name, as in /proc/PID/comm.</param>
/// <param name="File">What it holds.</param>
/// <param name="IsReadOnly">All its mappings and descriptors of the file are read-only.</param>
public sealed record FileHolder(int Pid, string Comm, FileIdentity File, bool IsReadOnly);

/// <summary>What one look at all processes has shown.</summary>
/// <param name="Holders">Who holds one of the files asked for.</param>
/// <param name="Unseen">Processes that we have no right to look at.</param>
public sealed record ScanResult(IReadOnlyList<FileHolder> Holders, int Unseen);

/// <summary>
/// Looks through the address spaces and descriptors of all processes, 7 us a descriptor. Both, since a mapping outlives its descriptor and
/// a descriptor need not be mapped.
/// </summary>
public static class ProcessScan
{
    /// <param name="wanted">The files.</param>
    /// <param name="proc">Where processes are.</param>
    /// <param name="storekeeper">The process that stores our descriptors for us: that it has them does not mean that it uses them.</param>
    internal static ScanResult Run(IReadOnlySet<FileIdentity> wanted, string proc = "/proc", int? storekeeper = null)
    {
        // Every mapping of every process is compared: by inode first, the device only when that fits.
        var inodes = wanted.Select(f => f.Inode).ToHashSet();
        var holders = new List<FileHolder>();
        var unseen = 0;
        foreach (var entry in Directory.EnumerateDirectories(proc))
        {
            if (!int.TryParse(Path.GetFileName(entry.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                || pid == Environment.ProcessId)
                continue;
            var found = new Dictionary<FileIdentity, bool>();
            // Whoever may not read the mappings may not follow a descriptor either: one check of the kernel's, ptrace(2).
            var seen = Maps(entry, wanted, inodes, found) && (pid == storekeeper || Descriptors(entry, wanted, inodes, found));
            if (!seen && Directory.Exists(entry))
                unseen++;
            foreach (var (file, isReadOnly) in found)
                holders.Add(new(pid, NameOf(pid, proc), file, isReadOnly));
        }
        return new(holders, unseen);
    }

    /// <summary>The name of a process as in /proc/PID/comm, empty if it is gone.</summary>
    public static string NameOf(int pid, string proc = "/proc") => (ProcFile.Text($"{proc}/{pid}/comm") ?? "").TrimEnd('\n');

    static bool Maps(string process, IReadOnlySet<FileIdentity> wanted, HashSet<ulong> inodes, Dictionary<FileIdentity, bool> found)
    {
        // Kernel threads have no mappings; a process that has just ended has none any more.
        using var text = ProcFile.Open(process + "/maps", out var errno);
        if (text is null)
            return errno != Errno.EACCES && errno != Errno.EPERM;
        while (text.Next(out var line))
        {
            if (!Procfs.MapsLine.TryParse(line, out var maps) || !inodes.Contains(maps.Inode))
                continue;
            var file = new FileIdentity(Encoding.ASCII.GetString(maps.Device), maps.Inode);
            if (wanted.Contains(file))
                Note(found, file, isReadOnly: maps.Permissions[1] != (byte)'w');
        }
        return true;
    }

    static bool Descriptors(string process, IReadOnlySet<FileIdentity> wanted, HashSet<ulong> inodes, Dictionary<FileIdentity, bool> found)
    {
        if (Files.Open(process + "/fd", Files.O_RDONLY | Files.O_DIRECTORY, 0, out var folder) is { Failed: true } errno)
            return errno != Errno.EACCES && errno != Errno.EPERM;
        using (folder)
        {
            var listed = Files.Names(folder!, out var descriptors);
            foreach (var descriptor in descriptors)
            {
                if (Files.StatusAt(folder!, descriptor, out var status).Failed || !inodes.Contains(status.Inode))
                    continue;
                var file = new FileIdentity(status.DeviceText, status.Inode);
                if (wanted.Contains(file))
                    Note(found, file, IsReadOnly(process, descriptor));
            }
            // ENOENT: it ended while we looked.
            return listed.Ok || listed == Errno.ENOENT;
        }
    }

    // fdinfo's flags are octal, O_ACCMODE in the last digit (proc_pid_fdinfo(5)).
    static bool IsReadOnly(string process, string descriptor)
    {
        var flags = Procfs.FieldOf($"{process}/fdinfo/{descriptor}", "flags");
        return flags is { Length: > 0 } && ((flags[^1] - '0') & 3) == 0;
    }

    static void Note(Dictionary<FileIdentity, bool> found, FileIdentity file, bool isReadOnly) =>
        found[file] = isReadOnly && (!found.TryGetValue(file, out var before) || before);
}
