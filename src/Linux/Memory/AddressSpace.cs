namespace HostMemd.Linux;

/// <summary>Whether this process keeps its own address space (mmap_lock) busy: to map or unmap something may then take milliseconds.</summary>
public static class AddressSpace
{
    static int s_busy;

    /// <summary>Something that <see cref="Enter"/>ed is under way. Others can keep it busy too, by reading our smaps, and are not seen.</summary>
    public static bool IsBusy => Volatile.Read(ref s_busy) > 0;

    /// <summary>To be called before work that holds the lock again and again, as <see cref="MapTurns"/> says; <see cref="Leave"/> ends it.</summary>
    public static void Enter() => Interlocked.Increment(ref s_busy);

    public static void Leave() => Interlocked.Decrement(ref s_busy);
}
