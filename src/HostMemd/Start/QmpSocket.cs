using System.Net.Sockets;
using HostMemd.Config;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Start;

/// <summary>
/// Makes a listening socket at a path, or of an abstract name. By system calls: .NET's own Socket.Bind removes the path when the socket is closed, whoever
/// it belongs to by then, and gives no say in its mode.
/// </summary>
static class QmpSocket
{
    // The most there is; the kernel cuts it to net.core.somaxconn.
    const int Backlog = 4096;

    /// <exception cref="StartException">The path cannot be used.</exception>
    public static Socket Listen(string path, AccessOptions access, OwnedFiles owned) => Listen(new SocketOptions(path), access, owned);

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

    // Free again as soon as nobody has the socket: nothing stale is ever there.
    static void BindName(SafeFileHandle fd, string name, UnixAddress address)
    {
        if (address.Bind(fd) == 0)
            return;
        throw Errno.Last.Number == Posix.EADDRINUSE
            ? new StartException($"{name} is in use by another process")
            : Failed("bind socket to", name);
    }

    /// <summary>The socket as .NET's.</summary>
    /// <exception cref="SocketException">It is none; it stays the caller's.</exception>
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
            // It stays the caller's alone: closed twice, it would be somebody else's the second time.
            handle.SetHandleAsInvalid();
            throw;
        }
    }

    // Two daemons that start at once must not both take the other's fresh socket for a stale one.
    static SafeFileHandle? LockDirectory(string path)
    {
        var fd = Posix.Own(Posix.open(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/", Posix.O_CLOEXEC, 0));
        // A directory that cannot be read is not locked: the race is then as good as anybody's.
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
            // A dangling link is left to bind(2), which refuses it.
            return;
        }
        if ((status.Mode & Files.S_IFMT) != S_IFSOCK)
            throw new StartException($"{path} exists and is no socket");
        // Non-blocking: connecting to a daemon whose backlog is full would wait, and EAGAIN says the same.
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
        // Linux gives the file the mode of the socket less the umask, so there is no moment with a wider one.
        if (Posix.fchmod(fd, access.SocketMode) != 0)
            throw Failed("set the mode of", path);
        var mask = Posix.umask(0);
        var result = address.Bind(fd);
        var error = Errno.Last;
        _ = Posix.umask(mask);
        if (result != 0)
            throw new StartException($"Failed to bind socket to {path}: {error.Text}");
        // Before listen(2): until then nobody gets in.
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
