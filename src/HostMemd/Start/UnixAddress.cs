using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using HostMemd.Config;
using HostMemd.Linux;

namespace HostMemd.Start;

/// <summary>The address of a Unix socket (unix(7)): a file, or an abstract name, which is in no file system.</summary>
sealed class UnixAddress
{
    readonly byte[] _name;

    UnixAddress(byte[] name) => _name = name;

    /// <summary>Whether it is an abstract name, which begins with a NUL.</summary>
    public bool IsAbstract => _name is [0, ..];

    /// <summary>The address that is configured.</summary>
    /// <exception cref="StartException">The path is too long or has a NUL.</exception>
    public static UnixAddress Of(SocketOptions socket)
    {
        var bytes = Encoding.UTF8.GetBytes(socket.Path);
        if (bytes.Length >= UnixSocket.SunPathBytes)
            throw new StartException($"UNIX socket path '{socket.Path}' is too long: it must be less than {UnixSocket.SunPathBytes} bytes");
        if (bytes.Contains((byte)0))
            throw new StartException("a socket path must not contain U+0000");
        if (!socket.IsAbstract)
            return new(bytes);
        byte[] name = [0, .. bytes];
        // All of sun_path belongs to an abstract name. Without `tight` the name is padded with NULs, as QEMU's.
        if (!socket.IsTight)
            Array.Resize(ref name, UnixSocket.SunPathBytes);
        return new(name);
    }

    /// <summary>The address that the socket is bound to; empty when it is not bound, or no Unix socket.</summary>
    /// <exception cref="StartException">The kernel does not say.</exception>
    public static UnixAddress Of(Socket socket)
    {
        var errno = UnixSocket.Name(socket.SafeHandle, out var name);
        // A name that is not known must not pass for a path, whose file's mode would keep clients out.
        return errno.Ok ? new(name) : throw new StartException($"cannot find out where a socket is bound: {errno.Text}");
    }

    /// <summary>Whether <paramref name="socket"/> is bound where that one is configured.</summary>
    public static bool IsAt(SocketOptions configured, Socket socket) => Of(configured).IsSameAs(Of(socket));

    /// <summary>Whether it is the same name, or another path of the same file.</summary>
    public bool IsSameAs(UnixAddress other)
    {
        if (_name.Length == 0 || other._name.Length == 0)
            return false;
        return _name.AsSpan().SequenceEqual(other._name) || (!IsAbstract && !other.IsAbstract
            && Files.StatusOf(Encoding.UTF8.GetString(_name), out var ours).Ok
            && Files.StatusOf(Encoding.UTF8.GetString(other._name), out var theirs).Ok
            && (ours.Device, ours.Inode) == (theirs.Device, theirs.Inode));
    }

    public Errno Bind(SafeHandle fd) => UnixSocket.Bind(fd, _name);

    public Errno Connect(SafeHandle fd) => UnixSocket.Connect(fd, _name);

    /// <summary>For .NET's own calls.</summary>
    public UnixDomainSocketEndPoint ToEndPoint() => new(Encoding.UTF8.GetString(_name));
}
