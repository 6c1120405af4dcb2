using System.Net.Sockets;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Client.Wire;

/// <summary>A Unix socket, by which descriptors come too.</summary>
sealed class SocketTransport(Socket socket) : Transport
{
    public static async Task<SocketTransport> OpenAsync(string path, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // An abstract socket, which .NET writes with a NUL.
            var address = new UnixDomainSocketEndPoint(path is ['@', ..] ? "\0" + path[1..] : path);
            await socket.ConnectAsync(address, cancellation).ConfigureAwait(false);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        return new(socket);
    }

    public override async ValueTask<int> ReceiveAsync(byte[] buffer, Queue<SafeFileHandle?> descriptors)
    {
        while (true)
        {
            var errno = FdPassing.Receive(socket.SafeHandle, buffer, handles =>
            {
                foreach (var handle in handles)
                    descriptors.Enqueue(handle);
            }, FdPassing.MaxDescriptors, out var received, out var truncated);
            // This process had no descriptor free (EMFILE): the reply must not be given the next one instead.
            if (truncated)
                descriptors.Enqueue(null);
            if (errno.Ok)
                return received;
            if (errno != Errno.EAGAIN)
                throw new IOException("the connection to the daemon broke", errno.AsException("recvmsg"));
            // Zero bytes: only waits. The bytes are taken by recvmsg, which keeps the descriptors.
            await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None).ConfigureAwait(false);
        }
    }

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0)
                bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None).ConfigureAwait(false)..];
        }
        catch (SocketException broken)
        {
            throw new IOException("the connection to the daemon broke", broken);
        }
    }

    public override void Dispose() => socket.Dispose();
}
