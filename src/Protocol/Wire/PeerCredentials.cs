using System.Buffers.Binary;
using System.Runtime.InteropServices;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Wire;

/// <summary>The process at the other end of a socket, as the kernel recorded it at the connection (unix(7), SO_PEERCRED).</summary>
/// <param name="Pid">The process that connected; 0 when it is in a pid namespace that the daemon cannot see.</param>
public sealed record PeerCredentials(int Pid, uint Uid, uint Gid)
{
    readonly SafeHandle? _socket;

    /// <summary>A process of which nothing is known: the kernel's overflow ids.</summary>
    public static PeerCredentials Unknown { get; } = new(0, 65534, 65534);

    public static PeerCredentials Of(SafeHandle socket)
    {
        Span<byte> ucred = stackalloc byte[12];
        if (UnixSocket.Option(socket, UnixSocket.SO_PEERCRED, ucred, out var length).Failed || length != ucred.Length)
            return Unknown;
        return new(socket, BinaryPrimitives.ReadInt32LittleEndian(ucred),
            BinaryPrimitives.ReadUInt32LittleEndian(ucred[4..]), BinaryPrimitives.ReadUInt32LittleEndian(ucred[8..]));
    }

    PeerCredentials(SafeHandle socket, int pid, uint uid, uint gid) : this(pid, uid, gid) => _socket = socket;

    /// <summary>The process has one of the groups, as its own or as a supplementary one (unix(7), SO_PEERGROUPS).</summary>
    public bool IsInAny(IReadOnlyList<uint> groups) => groups.Count > 0 && (groups.Contains(Gid) || Supplementary().Any(groups.Contains));

    uint[] Supplementary()
    {
        // NGROUPS_MAX of the kernel.
        var buffer = new byte[65536 * sizeof(uint)];
        var length = Option(UnixSocket.SO_PEERGROUPS, buffer);
        return MemoryMarshal.Cast<byte, uint>(buffer.AsSpan(0, length)).ToArray();
    }

    /// <summary>
    /// Opens a pidfd of the process that connected, even if its number belongs to another process by now. Returns null where the kernel has
    /// no SO_PEERPIDFD (before 6.5), and when the process has ended.
    /// </summary>
    public SafeFileHandle? OpenPidfd()
    {
        Span<byte> fd = stackalloc byte[sizeof(int)];
        return Option(UnixSocket.SO_PEERPIDFD, fd) == fd.Length ? new(BinaryPrimitives.ReadInt32LittleEndian(fd), ownsHandle: true) : null;
    }

    // Returns 0 when the socket is closed.
    int Option(int name, Span<byte> value)
    {
        try
        {
            return _socket is not null && UnixSocket.Option(_socket, name, value, out var length).Ok ? length : 0;
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }
    }
}
