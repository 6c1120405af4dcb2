using Microsoft.Win32.SafeHandles;

namespace HostMemd.Client.Wire;

/// <summary>Any stream, such as what ssh carries. Descriptors do not travel by it.</summary>
sealed class StreamTransport(Stream stream) : Transport
{
    public override ValueTask<int> ReceiveAsync(byte[] buffer, Queue<SafeFileHandle?> descriptors) => stream.ReadAsync(buffer);

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        await stream.WriteAsync(bytes).ConfigureAwait(false);
        await stream.FlushAsync().ConfigureAwait(false);
    }

    public override void Dispose() => stream.Dispose();
}
