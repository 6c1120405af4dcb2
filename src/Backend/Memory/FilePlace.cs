using System.Globalization;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Memory;

/// <summary>
/// The file of a <c>mem-path</c>. Where paths are confined to directories, the kernel walks the path from the directory on and does not
/// leave it by <c>..</c>, by a symbolic link or by a race (openat2(2), RESOLVE_BENEATH).
/// </summary>
sealed class FilePlace
{
    // QEMU makes its files readable for all, less the umask; a confined file is the daemon's alone.
    const int ModeAnywhere = 0b110_100_100, ModeConfined = 0b110_000_000;

    readonly string _path;
    readonly string? _directory;

    /// <param name="path">The path that the client gave.</param>
    /// <param name="allowed">Directories; empty: anywhere.</param>
    /// <exception cref="QmpException">The path is not below any of them.</exception>
    public FilePlace(string path, IReadOnlyList<string> allowed)
    {
        _path = path;
        if (allowed.Count == 0)
            return;
        // The longest that fits: one directory of the list may lie below another, behind a link that leads out of that.
        _directory = allowed.OrderByDescending(d => d.Length)
            .FirstOrDefault(d => path.StartsWith(d.TrimEnd('/') + "/", StringComparison.Ordinal) || path == d)
            ?? throw QmpErrors.PathNotAllowed(path);
    }

    /// <summary>Opens the file without waiting for another process: a FIFO without a writer, a device without a carrier.</summary>
    public Errno Open(int flags, out SafeFileHandle? file)
    {
        // Another process's lease on the file is waited for: the kernel ends it within fs.lease-break-time (fcntl(2)).
        var errno = OpenNow(flags | Files.O_NOCTTY | Files.O_NONBLOCK, out file);
        return errno == Errno.EAGAIN ? OpenNow(flags | Files.O_NOCTTY, out file) : errno;
    }

    Errno OpenNow(int flags, out SafeFileHandle? file)
    {
        if (_directory is null)
            return Files.Open(_path, flags, ModeAnywhere, out file);
        var errno = Files.Open(_directory, Files.O_RDONLY | Files.O_DIRECTORY | Files.O_CLOEXEC, 0, out file);
        if (errno.Failed)
            return errno;
        using var directory = file;
        var below = _path[_directory.TrimEnd('/').Length..].TrimStart('/');
        // openat2(2) takes a mode only where a file is made (EINVAL).
        return Files.OpenBeneath(directory!, below.Length == 0 ? "." : below, flags, (flags & Files.O_CREAT) != 0 ? ModeConfined : 0,
            Files.RESOLVE_BENEATH | Files.RESOLVE_NO_MAGICLINKS, out file);
    }

    /// <summary>Removes the file if the path still leads to it, and only within the directory that was checked.</summary>
    public void Remove(FileStatus made)
    {
        var name = _path;
        SafeFileHandle? directory = null;
        if (_directory is not null)
        {
            var parent = new FilePlace(Path.GetDirectoryName(_path)!, _directory);
            if (parent.Open(Files.O_RDONLY | Files.O_DIRECTORY | Files.O_CLOEXEC, out directory).Failed)
                return;
            name = InDirectory(directory!, Path.GetFileName(_path));
        }
        using (directory)
        {
            if (Files.StatusOf(name, out var now).Ok && (now.Device, now.Inode) == (made.Device, made.Inode))
                Files.Unlink(name);
        }
    }

    FilePlace(string path, string directory) => (_path, _directory) = (path, directory);

    // Through its descriptor, so that it is the directory that was checked.
    static string InDirectory(SafeFileHandle directory, string name) =>
        string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{directory.DangerousGetHandle()}/{name}");

    /// <summary>Makes a file in the directory that the path names, and unlinks it at once.</summary>
    public Errno MakeTemporary(string template, out SafeFileHandle? file)
    {
        SafeFileHandle? directory = null;
        if (_directory is not null)
        {
            var errno = Open(Files.O_RDONLY | Files.O_DIRECTORY | Files.O_CLOEXEC, out directory);
            if (errno.Failed)
            {
                file = null;
                return errno;
            }
        }
        using (directory)
        {
            var name = directory is null ? $"{_path}/{template}" : InDirectory(directory, template);
            var made = Files.MakeTemporary(name, out file, out var path);
            if (made.Ok)
                Files.Unlink(path);
            return made;
        }
    }
}
