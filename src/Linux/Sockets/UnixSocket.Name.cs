using System.Runtime.InteropServices;

namespace HostMemd.Linux;

// Where sockets are: bind(2), connect(2), getsockname(2). A name is a path without its NUL, or an abstract one, which begins with a NUL.
public static unsafe partial class UnixSocket
{
    /// <summary>unix(7): room for a path and its NUL.</summary>
    public const int SunPathBytes = 108;

#pragma warning disable CS8981 // the kernel's spelling
    internal struct sockaddr_un
    {
        public ushort sun_family;
        public fixed byte sun_path[SunPathBytes];
    }
#pragma warning restore CS8981

    /// <summary>Gives a socket its name: bind(2). A path is made a file, with the socket's mode less the umask.</summary>
    /// <param name="fd">A socket without a name.</param>
    /// <param name="name">At most <see cref="SunPathBytes"/>; a path one less.</param>
    /// <returns>EADDRINUSE, EACCES, ENOENT, ENOTDIR, ELOOP, ENOMEM, EROFS: bind(2); EINVAL for a name that is too long.</returns>
    public static Errno Bind(SafeHandle fd, ReadOnlySpan<byte> name)
    {
        if (!TryAddress(name, out var address, out var length))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(bind), out var error))
            return error;
        return bind(fd, &address, length) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>Connects to the socket of a name: connect(2).</summary>
    /// <param name="fd">A socket. One that blocks waits while the listener's queue is full.</param>
    /// <param name="name">As for <see cref="Bind"/>.</param>
    /// <returns>ECONNREFUSED: no process listens; EAGAIN: the queue is full; EACCES, ENOENT: connect(2).</returns>
    public static Errno Connect(SafeHandle fd, ReadOnlySpan<byte> name)
    {
        if (!TryAddress(name, out var address, out var length))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(connect), out var error))
            return error;
        return connect(fd, &address, length) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>The name a socket is bound to: getsockname(2).</summary>
    /// <param name="fd">Any socket.</param>
    /// <param name="name">Empty on failure, for a socket without a name, and for one that is no Unix socket.</param>
    /// <returns>EBADF, ENOBUFS: getsockname(2).</returns>
    public static Errno Name(SafeHandle fd, out byte[] name)
    {
        name = [];
        if (Faults.Hit(nameof(getsockname), out var error))
            return error;
        sockaddr_un address;
        var length = (uint)sizeof(sockaddr_un);
        if (getsockname(fd, &address, &length) != 0)
            return Errno.Last;
        if (address.sun_family != AF_UNIX)
            return Errno.None;
        var found = new ReadOnlySpan<byte>(address.sun_path, (int)Math.Clamp(length, 2, sizeof(sockaddr_un)) - 2);
        name = (found is [0, ..] ? found : found.TrimEnd((byte)0)).ToArray();
        return Errno.None;
    }

    static bool TryAddress(ReadOnlySpan<byte> name, out sockaddr_un address, out uint length)
    {
        address = new() { sun_family = AF_UNIX };
        var isAbstract = name is [0, ..];
        length = isAbstract ? sizeof(ushort) + (uint)name.Length : (uint)sizeof(sockaddr_un);
        if (name.Length > (isAbstract ? SunPathBytes : SunPathBytes - 1))
            return false;
        fixed (byte* path = address.sun_path)
            name.CopyTo(new Span<byte>(path, SunPathBytes));
        return true;
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int bind(SafeHandle fd, sockaddr_un* address, uint length);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int connect(SafeHandle fd, sockaddr_un* address, uint length);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int getsockname(SafeHandle fd, sockaddr_un* address, uint* length);
}
