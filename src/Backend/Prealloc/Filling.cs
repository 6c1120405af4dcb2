using System.Diagnostics;
using HostMemd.Backend.Regions;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Backend.Prealloc;

/// <summary>
/// The work of filling one region: which step comes next, how many bytes are done. The workers of the <see cref="FillPool"/> share it,
/// and hold the pool's lock for everything but the step itself.
/// </summary>
public sealed class Filling : IDisposable
{
    // While the kernel populates memory, every mmap of this process waits: a thread that maps (the collector, another object) waits for a
    // step, and so does a client that cancels. Steps are therefore sized by time: 1 ms is some 2 MiB of 4 KiB pages and 20 MiB of huge
    // ones.
    static readonly TimeSpan s_stepTime = TimeSpan.FromMilliseconds(1);
    static readonly TimeSpan s_reportPause = TimeSpan.FromMilliseconds(100);
    const ulong FirstStep = 2 << 20;

    // For memory that the host of a virtual machine must find first, which takes many times as long.
    const ulong LeastStep = 256 << 10;

    // Private memory may get these: two workers in the same one would each clear it.
    const ulong TransparentHugePage = 2 << 20;
    const ulong MostStep = 64 << 20;

    // QEMU: at most this many threads for one object, and none for less than this much memory.
    const uint MaxThreads = 16;
    const ulong BytesPerThread = 64 << 20;

    readonly TaskCompletionSource<Errno> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Func<int[]?> _cpus;
    readonly ZeroPages? _zeroPages;
    readonly ulong _least;
    long _reported = Stopwatch.GetTimestamp();
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

    /// <param name="region">The memory; it stays the caller's.</param>
    /// <param name="threads">The most workers.</param>
    /// <param name="cpus">The CPUs its workers are to use, asked for before every step; null for the daemon's own.</param>
    public Filling(MemoryRegion region, uint threads, Func<int[]?> cpus)
    {
        Region = region;
        Total = region.Mapping.Length;
        _cpus = cpus;
        _least = Math.Max(region.IsShared ? LeastStep : TransparentHugePage, region.PageSize);
        _step = Math.Max(FirstStep, region.PageSize);
        // Where pages are small, page faults are most of the work. fallocate(2) before populating saves some of it, zero pages most.
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

    /// <summary>Receives how far it is, at most ten times a second. Called by workers, without the pool's lock.</summary>
    internal IProgress<FillProgress>? Progress { get; init; }

    /// <summary>The most workers at once.</summary>
    public int Workers { get; }

    /// <summary>The result: no error, or the first one; ECANCELED after <see cref="Stop"/>. The steps done stay filled.</summary>
    public Task<Errno> Completion => _done.Task;

    internal int[]? Cpus => _cpus();

    internal int Active { get; private set; }

    /// <summary>Time that workers have spent on the filling, and its credit from when it was added.</summary>
    internal TimeSpan Spent { get; set; }

    internal bool IsPaused { get; set; }

    /// <summary>The exception of a step; <see cref="Completion"/> throws it then.</summary>
    internal Exception? Bug { get; set; }

    bool IsOver => _cancelled || _error.Failed || _next >= Total;

    internal bool HasWork => !IsOver && !IsPaused && Active < Workers;

    internal (ulong Offset, ulong Length) Take()
    {
        var offset = _next;
        var length = _step;
        // Several workers take shorter steps towards the end, so that they finish together.
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
            // EEXIST: not empty. Populating gives a better reason for any other error, but fails on holes until this is closed.
            _zeroing = false;
            _zeroPages.Close();
        }
        if (_allocate && Files.Allocate(Region.File!, 0, Region.Offset + offset, length) is { Failed: true } refused)
        {
            // EOPNOTSUPP: not for this file. Populating gives a better reason for ENOSPC, EINTR and the like.
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

    /// <summary>Reports how far it is, unless that was done less than a tenth of a second ago.</summary>
    internal void Report()
    {
        if (Progress is null)
            return;
        var last = Volatile.Read(ref _reported);
        var now = Stopwatch.GetTimestamp();
        if (Stopwatch.GetElapsedTime(last, now) >= s_reportPause && Interlocked.CompareExchange(ref _reported, now, last) == last)
            Progress.Report(new(Current, Total));
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

    /// <summary>Ends the filling: no further step is taken.</summary>
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
