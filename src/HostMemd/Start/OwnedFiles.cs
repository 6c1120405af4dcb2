using HostMemd.Linux;

namespace HostMemd.Start;

/// <summary>
/// The names this process has put into the file system: sockets, the pid file, directories for them. At the end they go, unless
/// somebody else has meanwhile put something of his own there.
/// </summary>
sealed class OwnedFiles
{
    readonly Lock _gate = new();
    readonly List<(string Path, FileStatus Status)> _files = [];
    readonly List<string> _directories = [];

    /// <summary>Remembers a file just made, by what it is and not only by its name.</summary>
    /// <returns>statx(2)'s error: it is not remembered then.</returns>
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

    /// <summary>They are another process's now.</summary>
    public void Disown()
    {
        lock (_gate)
        {
            _files.Clear();
            _directories.Clear();
        }
    }

    /// <summary>Removes what is still ours; after a failed start also the directories.</summary>
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
