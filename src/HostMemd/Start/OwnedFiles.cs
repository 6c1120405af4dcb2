using HostMemd.Linux;

namespace HostMemd.Start;

/// <summary>
/// The names that this process has put into the file system: sockets, the pid file, directories for them. The daemon removes them at the
/// end, unless another process has replaced them meanwhile.
/// </summary>
sealed class OwnedFiles
{
    readonly Lock _gate = new();
    readonly List<(string Path, FileStatus Status)> _files = [];
    readonly List<string> _directories = [];

    /// <summary>Remembers a file just made, by name, device and inode.</summary>
    public void Add(string path)
    {
        // A relative name would mean something else once the daemon has left its directory.
        path = Path.GetFullPath(path);
        if (Files.StatusOf(path, out var status).Failed)
            return;
        lock (_gate)
            _files.Add((path, status));
    }

    /// <summary>Makes a directory that is missing. Its parent must exist.</summary>
    /// <exception cref="StartException">It cannot be made.</exception>
    public void MakeDirectory(string path, uint mode)
    {
        if (Posix.mkdir(path, mode) == 0)
        {
            lock (_gate)
                _directories.Add(path);
            return;
        }
        var error = Errno.Last;
        if (!Directory.Exists(path))
            throw new StartException($"cannot make the directory {path}: {error.Text}");
    }

    /// <summary>Forgets all names: another process has taken them over.</summary>
    public void Disown()
    {
        lock (_gate)
        {
            _files.Clear();
            _directories.Clear();
        }
    }

    /// <summary>Removes the files that no other process has replaced.</summary>
    /// <param name="directories">Also the directories, as after a failed start.</param>
    public void Remove(bool directories)
    {
        lock (_gate)
        {
            foreach (var (path, status) in _files)
            {
                if (Files.StatusOf(path, out var now).Ok && now.Device == status.Device && now.Inode == status.Inode)
                    _ = Posix.unlink(path);
            }
            _files.Clear();
            if (!directories)
                return;
            foreach (var path in _directories)
                _ = Posix.rmdir(path);
            _directories.Clear();
        }
    }
}
