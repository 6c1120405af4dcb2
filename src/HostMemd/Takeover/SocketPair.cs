using System.Net.Sockets;
using HostMemd.Linux;
using HostMemd.Start;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Takeover;

/// <summary>Two sockets that are connected to each other (socketpair(2)).</summary>
static class SocketPair
{
    /// <exception cref="StartException">No descriptors are left.</exception>
    public static (Socket Ours, SafeFileHandle Theirs) Create()
    {
        var errno = UnixSocket.CreatePair(out var ours, out var theirs);
        if (errno.Failed)
            throw new StartException($"cannot make a pair of sockets: {errno.Text}");
        return (QmpSocket.Adopt(ours!), theirs!);
    }
}
