using HostMemd.Backend.Linux;
using HostMemd.Backend.Memory;

namespace HostMemd.Backend.Prealloc;

/// <summary>
/// The work of filling one region: which step comes next, how many bytes are done. Shared by the workers of the
/// <see cref="FillPool"/>, which hold the pool's lock for everything but the step itself.
/// </summary>
public sealed class Filling
{
    /// <summary>
    /// Bytes of one step. While the kernel populates it holds the address space against mmap, so this is what a thread that
    /// wants to map something (the collector, another object) may have to wait for: 1 to 2 ms on 4 KiB pages.
    /// Larger steps are not measurably faster.
    /// </summary>
    const ulong Step = 2 << 20;

    // QEMU: at most this many threads for one object, and none for less than this much memory.
    const uint MaxThreads = 16;
    const ulong BytesPerThread = 64 << 20;

    readonly TaskCompletionSource<Errno> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly ThreadContext? _context;
    readonly ulong _step;
    ulong _next;

    /// <param name="region">What to fill; stays the caller's.</param>
    /// <param name="threads">As many workers at most.</param>
    /// <param name="context">Whose CPUs the workers use, or null for all.</param>
    public Filling(MemoryRegion region, uint threads, ThreadContext? context)
    {
        Region = region;
        Total = region.Mapping.Length;
        _context = context;
        _step = Math.Max(Step, region.PageSize);
        var pages = Total / region.PageSize;
        var wanted = Math.Min(Math.Min(MaxThreads, threads), (uint)Sched.OnlineCpus());
        Workers = (int)Math.Min(Math.Min(wanted, pages), Math.Max(1, Total / BytesPerThread));
    }

    public MemoryRegion Region { get; }

    /// <summary>Bytes.</summary>
    public ulong Total { get; }

    /// <summary>Bytes filled so far.</summary>
    public ulong Current { get; private set; }

    /// <summary>How many workers it may have at once.</summary>
    public int Workers { get; }

    /// <summary>The result: no error, or the first one. The steps done stay filled.</summary>
    public Task<Errno> Completion => _done.Task;

    /// <summary>The CPUs its workers are to use at this time; null for the daemon's own.</summary>
    internal int[]? Cpus => _context?.CurrentCpus();

    internal int Active { get; private set; }

    // The kernel does not know MADV_POPULATE_WRITE (before 5.14) or not for this mapping.
    bool _touch;
    Errno _error;
    bool _cancelled;

    internal bool HasWork => !_cancelled && _error.Ok && _next < Total && Active < Workers;

    internal (ulong Offset, ulong Length) Take()
    {
        var offset = _next;
        var length = Math.Min(_step, Total - offset);
        _next += length;
        Active++;
        return (offset, length);
    }

    /// <summary>Fills one step, without the pool's lock.</summary>
    internal Errno Fill(ulong offset, ulong length)
    {
        if (!_touch)
        {
            var errno = Region.Mapping.Populate(offset, length, write: true);
            if (errno != Errno.EINVAL)
                return errno;
            _touch = true;
        }
        return Region.Mapping.Touch(offset, length, Region.PageSize, write: true);
    }

    internal void Finished(ulong length, Errno errno)
    {
        Active--;
        if (errno.Ok)
            Current += length;
        else if (_error.Ok)
            _error = errno;
        CompleteIfDone();
    }

    internal void CompleteIfDone()
    {
        if (Active == 0 && !HasWork)
            _done.TrySetResult(_cancelled && _error.Ok && Current < Total ? Errno.ECANCELED : _error);
    }

    internal void CancelLocked()
    {
        _cancelled = true;
        CompleteIfDone();
    }
}
