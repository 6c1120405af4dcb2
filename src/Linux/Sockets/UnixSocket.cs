using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>Making, accepting and asking sockets of unix(7). <see cref="FdPassing"/> moves the bytes.</summary>
public static unsafe partial class UnixSocket
{
#pragma warning disable CS1591 // socket(2), socket(7), unix(7)
    public const int AF_UNIX = 1;
    public const int SOCK_STREAM = 1;
    public const int SOCK_NONBLOCK = 0x800;
    public const int SO_TYPE = 3;
    public const int SO_PEERCRED = 17;
    public const int SO_ACCEPTCONN = 30;
    public const int SO_DOMAIN = 39;
    public const int SO_PEERGROUPS = 59;
    public const int SO_PEERPIDFD = 77;
#pragma warning restore CS1591

    internal const int SOL_SOCKET = 1;
    const int SOCK_CLOEXEC = 0x80000;
    const int SHUT_RDWR = 2;
    const int SO_OOBINLINE = 10;
    const nuint SIOCINQ = 0x541B;
    const short POLLHUP = 0x10;

    /// <summary>Makes a stream socket, close-on-exec: socket(2).</summary>
    /// <param name="flags">0 or SOCK_NONBLOCK.</param>
    /// <param name="made">Null on failure.</param>
    /// <returns>EACCES, EMFILE, ENFILE, ENOBUFS, ENOMEM: socket(2).</returns>
    public static Errno Create(int flags, out SafeFileHandle? made)
    {
        made = null;
        if (Faults.Hit(nameof(socket), out var error))
            return error;
        return Files.Own(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), out made);
    }

    /// <summary>Makes two stream sockets that are connected to each other, close-on-exec: socketpair(2).</summary>
    /// <param name="one">Null on failure.</param>
    /// <param name="other">Null on failure.</param>
    /// <returns>EMFILE, ENFILE: socketpair(2).</returns>
    public static Errno CreatePair(out SafeFileHandle? one, out SafeFileHandle? other)
    {
        (one, other) = (null, null);
        if (Faults.Hit(nameof(socketpair), out var error))
            return error;
        var ends = stackalloc int[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            return Errno.Last;
        one = new(ends[0], ownsHandle: true);
        other = new(ends[1], ownsHandle: true);
        return Errno.None;
    }

    /// <summary>Lets clients connect: listen(2).</summary>
    /// <param name="fd">A bound socket.</param>
    /// <param name="backlog">How many wait to be accepted; the kernel cuts it to net.core.somaxconn.</param>
    /// <returns>EBADF, EINVAL, EOPNOTSUPP: listen(2).</returns>
    public static Errno Listen(SafeHandle fd, int backlog)
    {
        if (Faults.Hit(nameof(listen), out var error))
            return error;
        return listen(fd, backlog) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>Accepts the next client: accept4(2).</summary>
    /// <param name="listener">Listens and does not block.</param>
    /// <param name="client">Close-on-exec; null on failure.</param>
    /// <returns>EAGAIN: no client waits; ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM: accept4(2).</returns>
    public static Errno Accept(SafeHandle listener, out SafeFileHandle? client)
    {
        Errno error;
        do
        {
            client = null;
            if (Faults.Hit(nameof(accept4), out error))
                return error;
            error = Files.Own(accept4(listener, null, null, SOCK_CLOEXEC), out client);
            if (error.Ok)
                ReadUrgentInLine(client!);
        }
        while (error == Errno.EINTR);
        return error;
    }

    // Otherwise a receive passes over a byte sent with MSG_OOB, and closes on its own thread the descriptors that came with it.
    static void ReadUrgentInLine(SafeHandle fd)
    {
        var on = 1;
        if (!Faults.Hit(nameof(setsockopt), out _))
            _ = setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(int));
    }

    /// <summary>Counts the bytes that have come and were not received: unix(7), SIOCINQ. Descriptors come with at least one byte.</summary>
    /// <param name="fd">The socket.</param>
    /// <param name="bytes">Only meaningful without error.</param>
    /// <returns>EINVAL: the socket listens.</returns>
    public static Errno Unread(SafeHandle fd, out int bytes)
    {
        bytes = 0;
        if (Faults.Hit(nameof(ioctl), out var error))
            return error;
        fixed (int* count = &bytes)
            return ioctl(fd, SIOCINQ, count) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>Ends both directions for both sides; the descriptor stays: shutdown(2).</summary>
    /// <returns>ENOTCONN: the other side has gone first.</returns>
    public static Errno Shutdown(SafeHandle fd)
    {
        if (Faults.Hit(nameof(shutdown), out var error))
            return error;
        return shutdown(fd, SHUT_RDWR) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>Reads an option of the socket's own level: getsockopt(2).</summary>
    /// <param name="fd">The socket.</param>
    /// <param name="name">SO_*.</param>
    /// <param name="value">Receives the bytes.</param>
    /// <param name="length">How many bytes the option has; 0 on failure.</param>
    /// <returns>ENOPROTOOPT: this kernel has no such option; ERANGE: there is no room; EBADF: getsockopt(2).</returns>
    public static Errno Option(SafeHandle fd, int name, Span<byte> value, out int length)
    {
        length = 0;
        if (Faults.Hit(nameof(getsockopt), out var error))
            return error;
        var size = (uint)value.Length;
        fixed (byte* start = value)
        {
            if (getsockopt(fd, SOL_SOCKET, name, start, &size) != 0)
                return Errno.Last;
        }
        length = (int)size;
        return Errno.None;
    }

    /// <summary>Whether both directions are closed: the peer is gone, not just silent (poll(2), POLLHUP).</summary>
    /// <param name="fd">The socket.</param>
    /// <param name="gone">Only meaningful without error.</param>
    /// <returns>ENOMEM: poll(2).</returns>
    public static Errno IsHungUp(SafeHandle fd, out bool gone)
    {
        var error = Polling.Wait(fd, 0, milliseconds: 0, out var found);
        gone = (found & POLLHUP) != 0;
        return error;
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int socketpair(int domain, int type, int protocol, int* ends);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int listen(SafeHandle fd, int backlog);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int accept4(SafeHandle listener, void* address, uint* length, int flags);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int shutdown(SafeHandle fd, int how);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int setsockopt(SafeHandle fd, int level, int name, void* value, uint length);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int ioctl(SafeHandle fd, nuint request, int* argument);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int getsockopt(SafeHandle fd, int level, int name, byte* value, uint* length);
}
