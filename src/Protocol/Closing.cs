using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol;

/// <summary>
/// Closes what a client sent. It may be of a file system that hangs, and close(2) with it: neither the thread that all clients share nor
/// whoever holds the state may wait for that.
/// </summary>
public static class Closing
{
    /// <summary>Returns at once; soon after the descriptor is closed, on a thread of the pool.</summary>
    public static void Elsewhere(SafeFileHandle handle) =>
        ThreadPool.UnsafeQueueUserWorkItem(static closed => closed.Dispose(), handle, preferLocal: false);
}
