using HostMemd.Linux;

namespace HostMemd.Backend.Threads;

/// <summary>
/// Where work on memory runs: quick work on the caller's thread, or elsewhere if it may have to wait; slow work on a thread of its own.
/// </summary>
static class MemoryWork
{
    /// <summary>Does the work now if it is quick, else on a thread of its own.</summary>
    /// <remarks>
    /// Slow work is not for the runtime's pool: the pool has a few threads, and a disk that hangs under a few objects would block all
    /// clients.
    /// </remarks>
    public static ValueTask RunAsync(bool slow, Action work)
    {
        // While the address space is busy even a quick mapping may have to wait, and so may the stack of a new thread.
        if (AddressSpace.IsBusy)
            return new(slow ? Task.Run(() => OwnThread.RunAsync(work)) : Task.Run(work));
        if (slow)
            return new(OwnThread.RunAsync(work));
        work();
        return default;
    }

    /// <summary>As <see cref="RunAsync"/>, but never on the caller's thread: the caller holds the state.</summary>
    public static ValueTask RunOffCallerAsync(bool slow, Action work) => slow ? RunAsync(slow, work) : new(Task.Run(work));
}
