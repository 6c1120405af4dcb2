namespace HostMemd.Linux;

/// <summary>
/// Lets other threads map and unmap memory while this one makes call after call that keeps the address space as it is. The kernel's lock
/// (mmap_lock) is free between two calls, but a thread that wants to change something sleeps by then, and until it has waited for 4 ms a
/// reader that is awake goes first, time and again. So this thread sleeps now and then, long enough for another to wake up.
/// </summary>
/// <remarks>One for each thread.</remarks>
public struct MmapYield
{
    // What this costs and gains: docs/decisions/0005.
    static readonly TimeSpan s_stretch = TimeSpan.FromMilliseconds(2), s_pause = TimeSpan.FromMicroseconds(50);

    TimeSpan _held;

    /// <summary>Called after each such call.</summary>
    /// <param name="held">How long it took.</param>
    public void AfterCall(TimeSpan held)
    {
        _held += held;
        if (_held < s_stretch)
            return;
        _held = default;
        Sched.Sleep(s_pause);
    }
}
