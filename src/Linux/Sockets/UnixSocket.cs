using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>The calls of unix(7) that <see cref="FdPassing"/> has not: none of them waits.</summary>
public static unsafe partial class UnixSocket
{
    public const int SO_PEERCRED = 17;
    public const int SO_PEERGROUPS = 59;
    public const int SO_PEERPIDFD = 77;
    public const int SOL_SOCKET = 1;
    public const int EINTR = 4;

    const int SOCK_CLOEXEC = 0x80000;
    const int SHUT_RDWR = 2;
    const int SO_OOBINLINE = 10;
    const nuint SIOCINQ = 0x541B;

    /// <summary>The next client, or null and the errno of accept4(2); EAGAIN when there is none. The listener must be non-blocking.</summary>
    public static SafeFileHandle? Accept(SafeHandle listener, out int errno)
    {
        do
        {
            errno = 0;
            var client = accept4(listener, null, null, SOCK_CLOEXEC);
            if (client >= 0)
            {
                ReadUrgentInLine(client);
                return new(client, ownsHandle: true);
            }
            errno = Marshal.GetLastPInvokeError();
        }
        while (errno == EINTR);
        return null;
    }

    // Otherwise a receive passes over a byte sent with MSG_OOB, and closes on its own thread the descriptors that came with it.
    static void ReadUrgentInLine(int socket)
    {
        var on = 1;
        _ = setsockopt(socket, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(int));
    }

    /// <summary>Bytes that have come and were not received (unix(7), SIOCINQ); descriptors come with at least one.</summary>
    /// <returns>1 where the kernel does not say.</returns>
    public static int Unread(SafeHandle socket)
    {
        var bytes = 0;
        return ioctl(socket, SIOCINQ, &bytes) == 0 ? bytes : 1;
    }

    /// <summary>Both sides see the end; the descriptor stays.</summary>
    public static void Shutdown(SafeHandle socket) => _ = shutdown(socket, SHUT_RDWR);

    /// <summary>An option of the socket's own level.</summary>
    /// <returns>How many bytes it has, or a negative errno.</returns>
    public static int Option(SafeHandle socket, int name, Span<byte> value)
    {
        var length = (uint)value.Length;
        fixed (byte* start = value)
            return getsockopt(socket, SOL_SOCKET, name, start, &length) == 0 ? (int)length : -Marshal.GetLastPInvokeError();
    }

    /// <summary>Both directions are closed: the peer is gone, not just silent (poll(2), POLLHUP).</summary>
    public static bool IsHungUp(SafeHandle socket)
    {
        const short POLLHUP = 0x10;
        var added = false;
        try
        {
            socket.DangerousAddRef(ref added);
            var entry = new Pidfd.pollfd { fd = (int)socket.DangerousGetHandle() };
            return poll(&entry, 1, 0) > 0 && (entry.revents & POLLHUP) != 0;
        }
        finally
        {
            if (added)
                socket.DangerousRelease();
        }
    }

    /// <summary>What the last call of this thread failed with.</summary>
    public static IOException Failure(string call) => Failure(call, Marshal.GetLastPInvokeError());

    public static IOException Failure(string call, int errno) => new($"{call}: {Marshal.GetPInvokeErrorMessage(errno)}");

    [LibraryImport("libc", SetLastError = true)]
    private static partial int accept4(SafeHandle listener, void* address, uint* length, int flags);

    [LibraryImport("libc")]
    private static partial int shutdown(SafeHandle socket, int how);

    [LibraryImport("libc")]
    private static partial int setsockopt(int socket, int level, int name, void* value, uint length);

    [LibraryImport("libc")]
    private static partial int ioctl(SafeHandle socket, nuint request, int* argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockopt(SafeHandle socket, int level, int name, byte* value, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(Pidfd.pollfd* entries, nuint count, int timeout);
}
