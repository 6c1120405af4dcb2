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
        Check(UnixSocket.Create(0, out var fd), "create socket for", name);
        try
        {
            if (address.IsAbstract)
                BindName(fd!, name, address);
            else
            {
                Bind(fd!, socket.Path, address, access);
                var errno = owned.Add(socket.Path);
                if (errno.Failed)
                    _ = Files.Unlink(socket.Path);
                Check(errno, "look at", socket.Path);
            }
            Check(UnixSocket.Listen(fd!, Backlog), "listen on", name);
        }
        catch
        {
            fd!.Dispose();
            throw;
        }
        return Adopt(fd!);
    }

    // The kernel frees an abstract name with its socket: it is never stale.
    static void BindName(SafeFileHandle fd, string name, UnixAddress address)
    {
        var errno = address.Bind(fd);
        if (errno == Errno.EADDRINUSE)
            throw new StartException($"{name} is in use by another process");
        Check(errno, "bind socket to", name);
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
        // A directory that cannot be read or locked leaves the race to chance.
        if (Files.Open(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/", Files.O_RDONLY, 0, out var fd).Ok)
            _ = Files.WaitForLock(fd!);
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
        // Non-blocking: connecting to a daemon whose backlog is full would wait, and EAGAIN says the same.
        Check(UnixSocket.Create(UnixSocket.SOCK_NONBLOCK, out var probe), "create socket for", path);
        using (probe)
        {
            var answer = address.Connect(probe!);
            if (answer.Ok)
                throw new StartException($"{path} is in use by another process");
            if (answer != Errno.ECONNREFUSED)
                throw new StartException($"cannot tell whether {path} is in use: {answer.Text}");
        }
        Check(Files.Unlink(path), "remove the stale socket", path);
    }

    static void Bind(SafeFileHandle fd, string path, UnixAddress address, AccessOptions access)
    {
        // Linux gives the file the mode of the socket less the umask, so there is no moment with a wider one.
        Check(Files.SetMode(fd, access.SocketMode), "set the mode of", path);
        var mask = Files.SetUmask(0);
        var errno = address.Bind(fd);
        _ = Files.SetUmask(mask);
        Check(errno, "bind socket to", path);
        // Before listen(2): until then no client can connect.
        if ((access.SocketOwner ?? access.SocketGroup) is null)
            return;
        errno = Files.SetOwner(path, access.SocketOwner, access.SocketGroup);
        if (errno.Failed)
            _ = Files.Unlink(path);
        Check(errno, "set the owner of", path);
    }

    static void Check(Errno errno, string what, string path)
    {
        if (errno.Failed)
            throw new StartException($"Failed to {what} {path}: {errno.Text}");
    }
}
