using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using HostMemd.Config;
using HostMemd.Linux;

namespace HostMemd.Start;

/// <summary>The address of a Unix socket (unix(7)): a file, or an abstract name, which is in no file system.</summary>
sealed unsafe class UnixAddress
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
        if (bytes.Length >= Posix.SunPathBytes)
            throw new StartException($"UNIX socket path '{socket.Path}' is too long: it must be less than {Posix.SunPathBytes} bytes");
        if (bytes.Contains((byte)0))
            throw new StartException("a socket path must not contain U+0000");
        if (!socket.IsAbstract)
            return new(bytes);
        byte[] name = [0, .. bytes];
        // All of sun_path belongs to an abstract name. Without `tight` the name is padded with NULs, as QEMU's.
        if (!socket.IsTight)
            Array.Resize(ref name, Posix.SunPathBytes);
        return new(name);
    }

    /// <summary>The address that the socket is bound to; empty when it is not bound, or no Unix socket.</summary>
    public static UnixAddress Of(Socket socket)
    {
        Posix.sockaddr_un address;
        var length = (uint)sizeof(Posix.sockaddr_un);
        if (Posix.getsockname(socket.SafeHandle, &address, &length) != 0 || address.sun_family != Posix.AF_UNIX)
            return new([]);
        var name = new ReadOnlySpan<byte>(address.sun_path, (int)Math.Clamp(length, 2, sizeof(Posix.sockaddr_un)) - 2);
        return new((name is [0, ..] ? name : name.TrimEnd((byte)0)).ToArray());
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

    /// <summary>bind(2); returns -1 on an error, which <see cref="Errno.Last"/> has.</summary>
    public int Bind(SafeHandle fd)
    {
        var address = Native(out var length);
        return Posix.bind(fd, &address, length);
    }

    /// <summary>connect(2); returns -1 on an error, which <see cref="Errno.Last"/> has.</summary>
    public int Connect(SafeHandle fd)
    {
        var address = Native(out var length);
        return Posix.connect(fd, &address, length);
    }

    /// <summary>For .NET's own calls.</summary>
    public UnixDomainSocketEndPoint ToEndPoint() => new(Encoding.UTF8.GetString(_name));

    Posix.sockaddr_un Native(out uint length)
    {
        var address = new Posix.sockaddr_un { sun_family = Posix.AF_UNIX };
        _name.CopyTo(new Span<byte>(address.sun_path, Posix.SunPathBytes));
        length = IsAbstract ? sizeof(ushort) + (uint)_name.Length : (uint)sizeof(Posix.sockaddr_un);
        return address;
    }
}
