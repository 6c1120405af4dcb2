using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol;

/// <summary>
/// Closes what a client sent. It may be of a file system that hangs, and close(2) with it: neither the thread that all clients share nor
/// whoever holds the state may wait for that.
/// </summary>
public static class Closing
{
    // Whoever sends descriptors faster than they are closed waits for it after all, so that they do not pile up.
    const int Most = 1024;

    static int s_waiting;

    /// <summary>Returns at once; soon after the descriptor is closed, on a thread of the pool.</summary>
    public static void Elsewhere(SafeFileHandle handle)
    {
        if (Interlocked.Increment(ref s_waiting) > Most)
            Close(handle);
        else
            ThreadPool.UnsafeQueueUserWorkItem(Close, handle, preferLocal: false);
    }

    static void Close(SafeFileHandle handle)
    {
        handle.Dispose();
        Interlocked.Decrement(ref s_waiting);
    }
}
