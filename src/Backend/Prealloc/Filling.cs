using HostMemd.Backend.Regions;
using HostMemd.Linux;

namespace HostMemd.Backend.Prealloc;

/// <summary>
/// The work of filling one region: which step comes next, how many bytes are done. Shared by the workers of the
/// <see cref="FillPool"/>, which hold the pool's lock for everything but the step itself.
/// </summary>
public sealed class Filling : IDisposable
{
    // While the kernel populates it holds the address space against mmap, so a step is what a thread that wants to map something
    // (the collector, another object) may have to wait for, and what a cancelled filling still does. Steps are therefore sized by
    // time. 1 ms is 2 MiB of 4 KiB pages and some 20 MiB of huge ones; between 2 and 32 MiB the length makes no measurable
    // difference to a C program, but what we do between steps costs 5 % of huge pages filled 2 MiB at a time.
    static readonly TimeSpan s_stepTime = TimeSpan.FromMilliseconds(1);
    const ulong FirstStep = 2 << 20;

    // Memory that the host of this machine must find first was seen to be 45 times slower than memory it has.
    const ulong LeastStep = 256 << 10;

    // Private memory may get these: two workers in the same one would both clear a page, for nothing.
    const ulong TransparentHugePage = 2 << 20;
    const ulong MostStep = 64 << 20;

    // QEMU: at most this many threads for one object, and none for less than this much memory.
    const uint MaxThreads = 16;
    const ulong BytesPerThread = 64 << 20;

    readonly TaskCompletionSource<Errno> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Func<int[]?> _cpus;
    readonly ZeroPages? _zeroPages;
    readonly ulong _least;
    ulong _step;
    ulong _next;
    ulong _current;
    Errno _error;
    bool _cancelled;

    // How the memory is filled, best first. What turns out not to work for this memory is not tried again. Workers may see a change late.
    volatile bool _zeroing;
    volatile bool _allocate;

    // The kernel does not know MADV_POPULATE_WRITE (before 5.14), or refuses it for this mapping.
    volatile bool _touch;

    /// <param name="region">What to fill; stays the caller's.</param>
    /// <param name="threads">As many workers at most.</param>
    /// <param name="cpus">The CPUs its workers are to use, asked for before every step; null for the daemon's own.</param>
    public Filling(MemoryRegion region, uint threads, Func<int[]?> cpus)
    {
        Region = region;
        Total = region.Mapping.Length;
        _cpus = cpus;
        _least = Math.Max(region.IsShared ? LeastStep : TransparentHugePage, region.PageSize);
        _step = Math.Max(FirstStep, region.PageSize);
        // Page faults are most of the work where pages are small. On memfd, GB/s of one and two threads (kernel 6.18): populating
        // 1.5 and 2.9, fallocate(2) before it 2.0 and 3.0, one thread allocating ahead of the other 2.7, zero pages 3.0 and 6.1.
        if (region is { IsShared: true, IsReadOnly: false, AllocatesQuickly: true } && ShmemPages.AreSmall(region.File!))
        {
            _zeroPages = ZeroPages.TryOpen(region.Mapping);
            _zeroing = _zeroPages is not null;
            _allocate = true;
        }
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

    /// <summary>Time that workers have spent on it, and what it was credited with when it came.</summary>
    internal TimeSpan Spent { get; set; }

    internal bool IsPaused { get; set; }

    /// <summary>What a step has thrown; <see cref="Completion"/> is that, and no errno.</summary>
    internal Exception? Bug { get; set; }

    bool IsOver => _cancelled || _error.Failed || _next >= Total;

    internal bool HasWork => !IsOver && !IsPaused && Active < Workers;

    internal (ulong Offset, ulong Length) Take()
    {
        var offset = _next;
        var length = _step;
        // Several workers: towards the end shorter ones, so that they finish together.
        if (Workers > 1)
            length = Math.Max(Math.Min(length, (Total - offset) / (2 * (ulong)Workers)) / _least * _least, _least);
        length = Math.Min(length, Total - offset);
        _next += length;
        Active++;
        return (offset, length);
    }

    /// <summary>Fills one step, without the pool's lock.</summary>
    internal Errno Fill(ulong offset, ulong length)
    {
        if (_zeroing)
        {
            if (_zeroPages!.Fill(offset, length).Ok)
                return Errno.None;
            // EEXIST: not empty. Anything else is told better by populating; until it is closed that would fail on holes.
            _zeroing = false;
            _zeroPages.Close();
        }
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
    internal bool Finished(ulong length, Errno errno, TimeSpan took)
    {
        Active--;
        Spent += took;
        if (length >= _step && took < s_stepTime / 2)
            _step = Math.Max(Math.Min(_step * 2, MostStep), Region.PageSize);
        else if (took > s_stepTime * 2)
            _step = Math.Max(Math.Min(_step, length) / 2, _least);
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

    /// <summary>To be called after <see cref="Completion"/>, before anything else is done to the memory.</summary>
    public void Dispose() => _zeroPages?.Dispose();

    bool CompleteIfOver()
    {
        if (Active > 0 || !IsOver)
            return false;
        if (Bug is not null)
            _done.TrySetException(Bug);
        _done.TrySetResult(_error.Ok && _current < Total ? Errno.ECANCELED : _error);
        return true;
    }
}
