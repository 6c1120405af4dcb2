namespace HostMemd.Linux;

/// <summary>
/// Lets other threads map and unmap memory while this one makes call after call that keeps the address space as it is. The kernel's lock
/// (mmap_lock) is free between two calls, but who wants to change something sleeps by then, and until he has waited for 4 ms a reader that
/// is awake goes first, time and again. So this thread sleeps now and then, long enough for another to wake up.
/// </summary>
/// <remarks>One for each thread.</remarks>
public struct MapTurns
{
    // It costs 6 to 11 % of the best fillings of huge pages by one thread (docs/decisions/0005). Beside a filling of 2 GiB of these the longest
    // object-add and object-del of another client takes 15 ms instead of 68 by it, beside statistics of 8 GiB 6 instead of 23 (bench/run.sh beside).
    static readonly TimeSpan s_stretch = TimeSpan.FromMilliseconds(2), s_pause = TimeSpan.FromMicroseconds(50);

    TimeSpan _held;

    /// <summary>To be called after each such call.</summary>
    /// <param name="held">How long it took.</param>
    public void Give(TimeSpan held)
    {
        _held += held;
        if (_held < s_stretch) return;
        _held = default;
        Sched.Sleep(s_pause);
    }
}
