using Microsoft.Win32.SafeHandles;

namespace HostMemd.Client.Wire;

/// <summary>The bytes to and from the daemon, and the descriptors that come with them.</summary>
abstract class Transport : IDisposable
{
    /// <summary>Waits for bytes.</summary>
    /// <param name="buffer">Takes them.</param>
    /// <param name="descriptors">Takes the descriptors that came; null for one that this process had no room for.</param>
    /// <returns>How many bytes came; 0 when the daemon has closed the connection.</returns>
    /// <exception cref="IOException">The connection broke.</exception>
    public abstract ValueTask<int> ReceiveAsync(byte[] buffer, Queue<SafeFileHandle?> descriptors);

    /// <exception cref="IOException">The connection broke.</exception>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> bytes);

    /// <summary>Closes the connection. What waits for bytes ends.</summary>
    public abstract void Dispose();
}
