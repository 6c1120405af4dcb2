namespace HostMemd.Linux;

/// <summary>Whether this process keeps its own address space (mmap_lock) busy: to map or unmap something may then take
/// milliseconds.</summary>
public static class AddressSpace
{
    static int s_busy;

    /// <summary>Work that called <see cref="Enter"/> is under way. Other processes can keep it busy too, by reading our smaps; they are not
    /// seen.</summary>
    public static bool IsBusy => Volatile.Read(ref s_busy) > 0;

    /// <summary>Called before work that holds the lock again and again (<see cref="MmapYield"/>); <see cref="Leave"/> ends it.</summary>
    public static void Enter() => Interlocked.Increment(ref s_busy);

    public static void Leave() => Interlocked.Decrement(ref s_busy);
}
