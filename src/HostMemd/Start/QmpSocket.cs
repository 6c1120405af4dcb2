using System.Net.Sockets;
using HostMemd.Config;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Start;

/// <summary>
/// Makes a listening socket with a path or an abstract name. It uses system calls: .NET's Socket.Bind sets no mode, and removes the path
/// when the socket is closed, even where it belongs to another process by then.
/// </summary>
static class QmpSocket
{
    // The kernel cuts it to net.core.somaxconn.
    const int Backlog = 4096;

    /// <summary>Listens at a path.</summary>
    /// <exception cref="StartException">The path cannot be used.</exception>
    public static Socket Listen(string path, AccessOptions access, OwnedFiles owned) => Listen(new SocketOptions(path), access, owned);

    /// <summary>Listens at a path or an abstract name.</summary>
    /// <exception cref="StartException">The path or the name cannot be used.</exception>
    public static Socket Listen(SocketOptions socket, AccessOptions access, OwnedFiles owned)
    {
        var address = UnixAddress.Of(socket);
        var name = socket.IsAbstract ? socket.Name : socket.Path;
        using var guard = address.IsAbstract ? null : LockDirectory(socket.Path);
        if (!address.IsAbstract)
            RemoveStale(socket.Path, address);
        var fd = Posix.Own(Posix.socket(Posix.AF_UNIX, Posix.SOCK_STREAM | Posix.SOCK_CLOEXEC, 0))
            ?? throw Failed("create socket for", name);
        try
        {
            if (address.IsAbstract)
                BindName(fd, name, address);
            else
            {
                Bind(fd, socket.Path, address, access);
                owned.Add(socket.Path);
            }
            if (Posix.listen(fd, Backlog) != 0)
                throw Failed("listen on", name);
        }
        catch
        {
            fd.Dispose();
            throw;
        }
        return Adopt(fd);
    }

    // The kernel frees an abstract name with its socket: it is never stale.
    static void BindName(SafeFileHandle fd, string name, UnixAddress address)
    {
        if (address.Bind(fd) == 0)
            return;
        throw Errno.Last.Number == Posix.EADDRINUSE
            ? new StartException($"{name} is in use by another process")
            : Failed("bind socket to", name);
    }

    /// <summary>Returns .NET's socket of a descriptor, and takes the descriptor over.</summary>
    /// <exception cref="SocketException">The descriptor is no socket; it stays the caller's.</exception>
    public static Socket Adopt(SafeFileHandle fd)
    {
        var handle = new SafeSocketHandle(fd.DangerousGetHandle(), ownsHandle: true);
        try
        {
            var socket = new Socket(handle);
            fd.SetHandleAsInvalid();
            return socket;
        }
        catch
        {
            // Only the caller closes it: a second close could hit a descriptor that was opened meanwhile.
            handle.SetHandleAsInvalid();
            throw;
        }
    }

    // Two daemons that start at once must not both take the other's fresh socket for a stale one.
    static SafeFileHandle? LockDirectory(string path)
    {
        var fd = Posix.Own(Posix.open(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/", Posix.O_CLOEXEC, 0));
        // A directory that cannot be read is not locked, and the race remains.
        if (fd is not null)
            _ = Posix.flock(fd, Posix.LOCK_EX);
        return fd;
    }

    static void RemoveStale(string path, UnixAddress address)
    {
        const uint S_IFSOCK = 0xC000;
        var found = Files.StatusOf(path, out var status);
        if (found.Failed)
        {
            // bind(2) refuses a dangling link.
            return;
        }
        if ((status.Mode & Files.S_IFMT) != S_IFSOCK)
            throw new StartException($"{path} exists and is no socket");
        // Non-blocking, since connecting to a daemon whose backlog is full would wait; EAGAIN shows that it is in use.
        using var probe = Posix.Own(Posix.socket(Posix.AF_UNIX, Posix.SOCK_STREAM | Posix.SOCK_CLOEXEC | Posix.SOCK_NONBLOCK, 0))
            ?? throw Failed("create socket for", path);
        if (address.Connect(probe) == 0)
            throw new StartException($"{path} is in use by another process");
        if (Errno.Last.Number != Posix.ECONNREFUSED)
            throw new StartException($"cannot tell whether {path} is in use: {Errno.Last.Text}");
        if (Posix.unlink(path) != 0)
            throw Failed("remove the stale socket", path);
    }

    static void Bind(SafeFileHandle fd, string path, UnixAddress address, AccessOptions access)
    {
        // Linux gives the file the mode of the socket less the umask, so the mode is never wider, not even for a moment.
        if (Posix.fchmod(fd, access.SocketMode) != 0)
            throw Failed("set the mode of", path);
        var mask = Posix.umask(0);
        var result = address.Bind(fd);
        var error = Errno.Last;
        _ = Posix.umask(mask);
        if (result != 0)
            throw new StartException($"Failed to bind socket to {path}: {error.Text}");
        // Before listen(2): until then no client can connect.
        if ((access.SocketOwner ?? access.SocketGroup) is not null
            && Posix.lchown(path, access.SocketOwner ?? uint.MaxValue, access.SocketGroup ?? uint.MaxValue) != 0)
        {
            var failure = Failed("set the owner of", path);
            _ = Posix.unlink(path);
            throw failure;
        }
    }

    static StartException Failed(string what, string path) => new($"Failed to {what} {path}: {Errno.Last.Text}");
}
