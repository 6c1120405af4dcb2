using System.Diagnostics;
using HostMemd.Backend.Threads;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Backend.Prealloc;

/// <summary>
/// The threads that fill memory: one bound for the whole daemon. All fillings share them a step at a time, so that each gets the same
/// time whatever its pages cost. A thread is started when there is work and leaves after a while without any. One stays, so that fillings
/// go on where the kernel grants no other.
/// </summary>
public sealed class FillPool(int most)
{
    static readonly TimeSpan s_idle = TimeSpan.FromSeconds(1);

    // Enough: a worker calls madvise and little else.
    const int StackBytes = 256 << 10;

    readonly object _gate = new();
    readonly List<Filling> _fillings = [];
    readonly int[] _ownCpus = Sched.GetAffinity(0, out var cpus).Ok ? cpus : [];
    int _most = most;
    int _threads;
    int _kept;
    int _coming;

    /// <summary>The number of threads that fill at once, for all fillings together. A smaller number holds once busy threads have left.</summary>
    public int Most
    {
        get
        {
            lock (_gate)
                return _most;
        }
        set
        {
            lock (_gate)
                _most = value;
        }
    }

    /// <summary>The number of threads that fill at the moment.</summary>
    public int Working
    {
        get
        {
            lock (_gate)
                return _fillings.Sum(f => f.Active);
        }
    }

    /// <summary>Bytes that the fillings under way are still going to take, not counting huge pages of a pool.</summary>
    public ulong Promised
    {
        get
        {
            lock (_gate)
                return _fillings.Where(f => !f.Region.IsHugeTlb).Aggregate(0UL, (sum, f) => sum + f.Total - f.Current);
        }
    }

    /// <summary>Fills a region.</summary>
    /// <returns>No error, or the first one; ECANCELED after <see cref="Cancel"/>.</returns>
    /// <exception cref="QmpException">The kernel grants no thread.</exception>
    public Task<Errno> RunAsync(Filling filling)
    {
        // All workers are started before the first step: starting a thread maps its stack, which would wait for the steps. The lock is
        // not held meanwhile, since other fillings may be under way.
        int missing;
        lock (_gate)
        {
            _coming++;
            missing = Math.Max(0, Math.Min(_most, _fillings.Sum(f => f.Workers) + filling.Workers) - _threads);
            _threads += missing;
        }
        while (missing > 0 && TryStart())
            missing--;
        lock (_gate)
        {
            _coming--;
            _threads -= missing;
            if (_threads == 0)
                return Task.FromException<Errno>(QmpErrors.NoThread(ThreadLimits.Describe()));
            Enter(filling);
        }
        return filling.Completion;
    }

    /// <summary>Starts the worker that stays, so that a filling needs no new thread.</summary>
    /// <returns>EAGAIN: the kernel grants no thread.</returns>
    public Errno Reserve()
    {
        lock (_gate)
        {
            if (_kept == 0 && TryStart())
                _kept = ++_threads;
            return _kept == 0 ? Errno.EAGAIN : Errno.None;
        }
    }

    bool TryStart() => OwnThread.TryStart("hostmemd-fill", Work, StackBytes);

    void Enter(Filling filling)
    {
        // It was cancelled before it was added.
        if (filling.Completion.IsCompleted)
            return;
        // A new filling starts level with the one that had the least time, else it would have all workers until it had caught up.
        filling.Spent = _fillings.Count == 0 ? default : _fillings.Min(f => f.Spent);
        _fillings.Add(filling);
        AddressSpace.Enter();
        Monitor.PulseAll(_gate);
    }

    // A filling that was cancelled before it was added is not in the list.
    void Leave(Filling filling)
    {
        if (_fillings.Remove(filling))
            AddressSpace.Leave();
    }

    /// <summary>Ends a filling once the steps under way are done.</summary>
    public void Cancel(Filling filling)
    {
        lock (_gate)
        {
            if (filling.Stop())
                Leave(filling);
        }
    }

    public void Pause(Filling filling, bool paused)
    {
        lock (_gate)
        {
            filling.IsPaused = paused;
            Monitor.PulseAll(_gate);
        }
    }

    void Work()
    {
        var cpus = _ownCpus;
        MmapYield others = default;
        while (Next(out var offset, out var length) is { } filling)
        {
            var start = Stopwatch.GetTimestamp();
            var errno = Fill(filling, offset, length, ref cpus);
            var took = Stopwatch.GetElapsedTime(start);
            lock (_gate)
            {
                if (filling.Finished(length, errno, took))
                    Leave(filling);
            }
            others.AfterCall(took);
        }
    }

    // An exception of a step ends the filling, not the worker.
    Errno Fill(Filling filling, ulong offset, ulong length, ref int[] cpus)
    {
        try
        {
            UseCpus(filling.Cpus, ref cpus);
            var errno = filling.Fill(offset, length);
            // Before the step counts as finished: no report comes after the filling's end.
            filling.Report();
            return errno;
        }
        catch (Exception bug)
        {
            filling.Bug = bug;
            return Errno.EFAULT;
        }
    }

    // The filling with the fewest workers at the moment, and of these the one that had the least time, so that none starves.
    Filling? Next(out ulong offset, out ulong length)
    {
        lock (_gate)
        {
            while (true)
            {
                Filling? best = null;
                foreach (var filling in _fillings)
                {
                    if (filling.HasWork && (best is null || (filling.Active, filling.Spent).CompareTo((best.Active, best.Spent)) < 0))
                        best = filling;
                }
                if (best is not null)
                {
                    (offset, length) = best.Take();
                    return best;
                }
                if (_threads <= _kept && _fillings.Count == 0)
                    Monitor.Wait(_gate);
                else if (!Monitor.Wait(_gate, s_idle) && _fillings.Count == 0 && _coming == 0 && _threads > _kept)
                {
                    _threads--;
                    (offset, length) = (0, 0);
                    return null;
                }
            }
        }
    }

    // Under CoreCLR a new thread does not inherit the affinity of the one that starts it, so it is set here. A failure costs locality,
    // nothing else.
    void UseCpus(int[]? wanted, ref int[] current)
    {
        wanted ??= _ownCpus;
        if (wanted.AsSpan().SequenceEqual(current))
            return;
        current = wanted;
        Sched.SetAffinity(0, wanted);
    }
}
