using HostMemd.Linux;

namespace HostMemd.Backend.Memory;

/// <summary>Where work on memory is done: quick work at once, or elsewhere if it may have to wait; slow work on a thread of its own.</summary>
static class Off
{
    /// <remarks>
    /// A thread of its own and not the pool's: that has a few and no more, and a disk that hangs under a few objects would hold
    /// up everybody.
    /// </remarks>
    public static ValueTask LoopAsync(bool slow, Action work)
    {
        // What is mapped quickly at other times, a thread's stack too, may now have to wait.
        if (AddressSpace.IsBusy)
            return new(slow ? Task.Run(() => OwnThread.RunAsync(work)) : Task.Run(work));
        if (slow)
            return new(OwnThread.RunAsync(work));
        work();
        return default;
    }

    /// <summary>As <see cref="LoopAsync"/>, but nothing is done by the caller itself, who holds what others wait for.</summary>
    public static ValueTask CallerAsync(bool slow, Action work) => slow ? LoopAsync(slow, work) : new(Task.Run(work));
}
