using System.Globalization;
using System.Text;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Backend.Leases;

/// <summary>A process that maps a file or has it open.</summary>
/// <param name="Pid">The process.</param>
/// <param name="Comm">Its name, as in /proc/PID/comm.</param>
/// <param name="File">The file that it uses.</param>
/// <param name="IsReadOnly">All its mappings and descriptors of the file are read-only.</param>
public sealed record FileUser(int Pid, string Comm, FileIdentity File, bool IsReadOnly);

/// <summary>The result of one scan of all processes.</summary>
/// <param name="Users">The processes that use one of the files asked for.</param>
/// <param name="Unseen">Processes that the daemon has no right to inspect.</param>
public sealed record ScanResult(IReadOnlyList<FileUser> Users, int Unseen);

/// <summary>
/// Searches the mappings and descriptors of all processes for files. Both, since a mapping outlives its descriptor and a descriptor need
/// not be mapped.
/// </summary>
public static class ProcessScan
{
    /// <summary>The files that one scan looks for, and the device nodes that it has resolved on the way.</summary>
    sealed class Search(IReadOnlySet<FileIdentity> wanted)
    {
        // Every mapping of every process is compared: by inode first, and by device only when the inode fits.
        readonly HashSet<ulong> _inodes = [.. wanted.Select(f => f.Inode)];
        readonly bool _hasDevices = wanted.Any(f => f.IsDevice);
        readonly Dictionary<FileIdentity, FileIdentity?> _nodes = [];

        public bool Wants(FileStatus status, out FileIdentity file)
        {
            file = default;
            if (!(status.IsRegular ? _inodes.Contains(status.Inode) : _hasDevices) || FileIdentity.Of(status) is not { } identity)
                return false;
            file = identity;
            return wanted.Contains(file);
        }

        public bool Wants(string process, in Procfs.MapsLine maps, out FileIdentity file)
        {
            file = default;
            if (maps.Inode == 0 || (!_hasDevices && !_inodes.Contains(maps.Inode)))
                return false;
            var mapped = file = new FileIdentity(Encoding.ASCII.GetString(maps.Device), maps.Inode);
            if (wanted.Contains(file))
                return true;
            if (!_hasDevices)
                return false;
            // For a device, maps show the node through which it was opened, and a device may have several: each node is resolved once.
            if (!_nodes.TryGetValue(mapped, out var device))
                _nodes.Add(mapped, device = DeviceOf(process, maps, mapped));
            file = device ?? default;
            return device is not null && wanted.Contains(file);
        }

        // Following the link to the mapped file takes CAP_CHECKPOINT_RESTORE (proc_pid_map_files(5)). Without it the node at the path, as
        // the process sees the path, is taken if it is the same one.
        static FileIdentity? DeviceOf(string process, in Procfs.MapsLine maps, FileIdentity mapped)
        {
            var link = string.Create(CultureInfo.InvariantCulture, $"{process}/map_files/{maps.Start:x}-{maps.End:x}");
            if (Files.StatusOf(link, out var status).Ok
                || (Files.StatusOf($"{process}/root{Procfs.Unescape(maps.Path)}", out status).Ok
                    && new FileIdentity(status.DeviceText, status.Inode) == mapped))
                return FileIdentity.Of(status) is { IsDevice: true } device ? device : null;
            return null;
        }
    }

    /// <param name="wanted">The files.</param>
    /// <param name="proc">The mount point of procfs.</param>
    /// <param name="storekeeper">The process that keeps the daemon's descriptor store: it has the descriptors, but does not use
    /// them.</param>
    internal static ScanResult Run(IReadOnlySet<FileIdentity> wanted, string proc = "/proc", int? storekeeper = null)
    {
        var search = new Search(wanted);
        var users = new List<FileUser>();
        var unseen = 0;
        var self = Procfs.OwnPid(proc);
        foreach (var name in Processes(proc))
        {
            if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var pid) || pid == self)
                continue;
            var entry = $"{proc}/{name}";
            var found = new Dictionary<FileIdentity, bool>();
            // The right to read mappings is the right to follow descriptors: the kernel makes one check for both (ptrace(2)).
            var seen = Maps(entry, search, found) && (pid == storekeeper || Descriptors(entry, search, found));
            if (!seen && Directory.Exists(entry))
                unseen++;
            foreach (var (file, isReadOnly) in found)
                users.Add(new(pid, NameOf(pid, proc), file, isReadOnly));
        }
        return new(users, unseen);
    }

    static List<string> Processes(string proc)
    {
        var errno = Files.Open(proc, Files.O_RDONLY | Files.O_DIRECTORY, 0, out var folder);
        using (folder)
        {
            List<string> names = [];
            if (errno.Failed || (errno = Files.Names(folder!, out names)).Failed)
                throw QmpErrors.CannotLookAtProcesses(errno.Text);
            return names;
        }
    }

    // Anything else says nothing of the process: it is not ours to look at, or the kernel has no file left (ENFILE), or no memory.
    static bool IsGone(Errno errno) => errno == Errno.ENOENT || errno == Errno.ESRCH;

    /// <summary>The name of a process as in /proc/PID/comm, empty if it is gone.</summary>
    public static string NameOf(int pid, string proc = "/proc") => (ProcFile.Text($"{proc}/{pid}/comm") ?? "").TrimEnd('\n');

    static bool Maps(string process, Search search, Dictionary<FileIdentity, bool> found)
    {
        // A kernel thread has no mappings, and neither has a process that has just ended.
        using var text = ProcFile.Open(process + "/maps", out var errno);
        if (text is null)
            return IsGone(errno);
        while (text.Next(out var line))
        {
            if (Procfs.MapsLine.TryParse(line, out var maps) && search.Wants(process, maps, out var file))
                Note(found, file, isReadOnly: maps.Permissions[1] != (byte)'w');
        }
        return true;
    }

    static bool Descriptors(string process, Search search, Dictionary<FileIdentity, bool> found)
    {
        if (Files.Open(process + "/fd", Files.O_RDONLY | Files.O_DIRECTORY, 0, out var folder) is { Failed: true } errno)
            return IsGone(errno);
        using (folder)
        {
            var listed = Files.Names(folder!, out var descriptors);
            foreach (var descriptor in descriptors)
            {
                if (Files.StatusAt(folder!, descriptor, out var status).Ok && search.Wants(status, out var file))
                    Note(found, file, IsReadOnly(process, descriptor));
            }
            // ENOENT: the process ended during the scan.
            return listed.Ok || IsGone(listed);
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
