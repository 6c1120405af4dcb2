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
    /// <returns>statx(2)'s error: the file is not remembered then.</returns>
    public Errno Add(string path)
    {
        var errno = Files.StatusOf(path, out var status);
        if (errno.Ok)
            Add(path, status);
        return errno;
    }

    /// <inheritdoc cref="Add(string)"/>
    /// <param name="path">The name.</param>
    /// <param name="status">Of the file itself.</param>
    public void Add(string path, FileStatus status)
    {
        lock (_gate)
        {
            // A relative name would mean something else once the daemon has left its directory.
            _files.Add((Path.GetFullPath(path), status));
        }
    }

    /// <summary>Makes a directory that is missing. Its parent must exist.</summary>
    /// <exception cref="StartException">It cannot be made.</exception>
    public void MakeDirectory(string path, uint mode)
    {
        var error = Files.MakeFolder(path, mode);
        if (error.Ok)
        {
            lock (_gate)
                _directories.Add(path);
            return;
        }
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
                    _ = Files.Unlink(path);
            }
            _files.Clear();
            if (!directories)
                return;
            foreach (var path in _directories)
                _ = Files.RemoveFolder(path);
            _directories.Clear();
        }
    }
}
