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
    readonly Func<int[]?> _cpus;
    readonly ulong _step;
    ulong _next;

    /// <param name="region">What to fill; stays the caller's.</param>
    /// <param name="threads">As many workers at most.</param>
    /// <param name="cpus">The CPUs its workers are to use, asked for before every step; null for the daemon's own.</param>
    public Filling(MemoryRegion region, uint threads, Func<int[]?> cpus)
    {
        Region = region;
        Total = region.Mapping.Length;
        _cpus = cpus;
        _step = Math.Max(Step, region.PageSize);
        // Allocating the pages of a file without the address space held, then mapping them, is faster than populating alone.
        _allocate = region is { IsShared: true, IsReadOnly: false, AllocatesQuickly: true };
        var pages = Total / region.PageSize;
        var wanted = Math.Min(Math.Min(MaxThreads, threads), (uint)Sched.OnlineCpus());
        Workers = (int)Math.Min(Math.Min(wanted, pages), Math.Max(1, Total / BytesPerThread));
    }

    public MemoryRegion Region { get; }

    /// <summary>Bytes.</summary>
    public ulong Total { get; }

    /// <summary>Bytes filled so far. Any thread may read it.</summary>
    public ulong Current => Volatile.Read(ref _current);

    /// <summary>How many workers it may have at once.</summary>
    public int Workers { get; }

    /// <summary>The result: no error, or the first one; ECANCELED when it was told to stop. The steps done stay filled.</summary>
    public Task<Errno> Completion => _done.Task;

    internal int[]? Cpus => _cpus();

    internal int Active { get; private set; }

    internal bool IsPaused { get; set; }

    ulong _current;
    bool _allocate;

    // The kernel does not know MADV_POPULATE_WRITE (before 5.14) or not for this mapping.
    bool _touch;
    Errno _error;
    bool _cancelled;

    bool IsOver => _cancelled || _error.Failed || _next >= Total;

    internal bool HasWork => !IsOver && !IsPaused && Active < Workers;

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
        if (_allocate && Files.Allocate(Region.File!, 0, Region.Offset + offset, length) is { Failed: true } refused)
        {
            // EOPNOTSUPP: not for this file. ENOSPC, EINTR and the like are told better by populating.
            if (refused == Errno.EOPNOTSUPP)
                _allocate = false;
        }
        if (!_touch)
        {
            var errno = Region.Mapping.Populate(offset, length, write: true);
            if (errno != Errno.EINVAL)
                return errno;
            _touch = true;
        }
        return Region.Mapping.Touch(offset, length, Region.PageSize, write: true);
    }

    /// <returns>Whether the filling is over.</returns>
    internal bool Finished(ulong length, Errno errno)
    {
        Active--;
        if (errno.Ok)
            Volatile.Write(ref _current, _current + length);
        else if (_error.Ok)
            _error = errno;
        return CompleteIfOver();
    }

    /// <summary>No further step is taken.</summary>
    /// <returns>Whether the filling is over: no step is under way.</returns>
    internal bool Stop()
    {
        _cancelled = true;
        return CompleteIfOver();
    }

    bool CompleteIfOver()
    {
        if (Active > 0 || !IsOver)
            return false;
        _done.TrySetResult(_error.Ok && _current < Total ? Errno.ECANCELED : _error);
        return true;
    }
}
