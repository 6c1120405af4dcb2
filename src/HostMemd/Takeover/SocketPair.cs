using System.Net.Sockets;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Takeover;

/// <summary>Two sockets that are connected to each other (socketpair(2)).</summary>
static unsafe class SocketPair
{
    /// <exception cref="StartException">No descriptors are left.</exception>
    public static (Socket Ours, SafeFileHandle Theirs) Create()
    {
        var ends = stackalloc int[2];
        if (Posix.socketpair(Posix.AF_UNIX, Posix.SOCK_STREAM | Posix.SOCK_CLOEXEC, 0, ends) != 0)
            throw new StartException("cannot make a pair of sockets");
        return (new Socket(new SafeSocketHandle(ends[0], ownsHandle: true)), new SafeFileHandle(ends[1], ownsHandle: true));
    }
}
