using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Integration.Security;

/// <summary>
/// Sockets whose last close(2) waits: they linger, and have sent what the other end, which is here, does not take. They are let go when
/// this ends. Made by system calls, since .NET's sockets do not leave the option alone when they close.
/// </summary>
sealed unsafe partial class Lingering : IDisposable
{
    const int AF_INET = 2;
    const int SOCK_STREAM = 1;
    const int SOCK_CLOEXEC = 0x80000;
    const int SOL_SOCKET = 1;
    const int SO_SNDBUF = 7;
    const int SO_LINGER = 13;
    const int MSG_DONTWAIT = 0x40;
    const int Smallest = 4096;
    const int Hour = 3600;

    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly List<Socket> _takers = [];

    public Lingering()
    {
        // Inherited by what is accepted.
        _listener.Server.ReceiveBufferSize = Smallest;
        _listener.Start();
    }

    /// <summary>One more. Its owner may close it while another process, or a socket's queue, has it too.</summary>
    public SafeFileHandle Next()
    {
        var made = new SafeFileHandle(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ownsHandle: true);
        Assert.False(made.IsInvalid);
        var size = Smallest;
        Assert.Equal(0, setsockopt(made, SOL_SOCKET, SO_SNDBUF, &size, sizeof(int)));
        var port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        var address = stackalloc byte[16] { AF_INET, 0, (byte)(port >> 8), (byte)port, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0 };
        Assert.Equal(0, connect(made, address, 16));
        _takers.Add(_listener.AcceptSocket());
        var piece = stackalloc byte[1 << 16];
        while (send(made, piece, 1 << 16, MSG_DONTWAIT) > 0)
        {
        }
        var linger = stackalloc int[] { 1, Hour };
        Assert.Equal(0, setsockopt(made, SOL_SOCKET, SO_LINGER, linger, 2 * sizeof(int)));
        return made;
    }

    public void Dispose()
    {
        // With what it has not taken it resets the connection.
        foreach (var taker in _takers)
            taker.Dispose();
        _listener.Dispose();
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(SafeFileHandle socket, int level, int name, void* value, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int connect(SafeFileHandle socket, byte* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(SafeFileHandle socket, byte* bytes, nuint length, int flags);
}
