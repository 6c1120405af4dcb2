using System.Diagnostics;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Backend.Prealloc;

/// <summary>
/// The threads that fill memory: one bound for the whole daemon, shared by all fillings, a step at a time and by time, so that
/// each gets the same whatever its pages cost. Threads are started when there is work and leave when there has been none for a while, but for
/// one: where no other can be had, fillings go on with those there are.
/// </summary>
public sealed class FillPool(int bound)
{
    static readonly TimeSpan s_idle = TimeSpan.FromSeconds(1);

    // A worker calls madvise and little else.
    const int StackBytes = 256 << 10;

    readonly object _gate = new();
    readonly List<Filling> _fillings = [];
    readonly int[] _ownCpus = Sched.GetAffinity(0, out var cpus).Ok ? cpus : [];
    int _threads;
    int _kept;
    int _coming;

    /// <summary>Bytes that the fillings under way are still going to take, huge pages of a pool aside.</summary>
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
    /// <exception cref="QmpException">No thread can be had for it.</exception>
    public Task<Errno> RunAsync(Filling filling)
    {
        // All workers exist before the first step: starting a thread maps its stack, which would wait for the steps. The lock is not
        // held meanwhile, since other fillings may be under way.
        int missing;
        lock (_gate)
        {
            _coming++;
            missing = Math.Max(0, Math.Min(bound, _fillings.Sum(f => f.Workers) + filling.Workers) - _threads);
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

    /// <summary>Starts the worker that stays, so that a filling needs no thread that there may not be then.</summary>
    /// <returns>EAGAIN: no thread can be had.</returns>
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
        // Told to stop before it came.
        if (filling.Completion.IsCompleted)
            return;
        // It was not here when the others spent their time: it starts level with the one that had least.
        filling.Spent = _fillings.Count == 0 ? default : _fillings.Min(f => f.Spent);
        _fillings.Add(filling);
        AddressSpace.Enter();
        Monitor.PulseAll(_gate);
    }

    // One that was told to stop before it came is not there.
    void Leave(Filling filling)
    {
        if (_fillings.Remove(filling))
            AddressSpace.Leave();
    }

    /// <summary>Ends a filling after the steps that are under way.</summary>
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

    // What it throws ends the filling, not the worker.
    Errno Fill(Filling filling, ulong offset, ulong length, ref int[] cpus)
    {
        try
        {
            UseCpus(filling.Cpus, ref cpus);
            return filling.Fill(offset, length);
        }
        catch (Exception bug)
        {
            filling.Bug = bug;
            return Errno.EFAULT;
        }
    }

    // The filling with the fewest workers at the moment, and of these the one that had least time, so that none starves.
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

    // The affinity of a thread is its own under CoreCLR: a new thread does not inherit it, so it is set here.
    // A failure is no reason not to fill: it costs locality, nothing else.
    void UseCpus(int[]? wanted, ref int[] current)
    {
        wanted ??= _ownCpus;
        if (wanted.AsSpan().SequenceEqual(current))
            return;
        current = wanted;
        Sched.SetAffinity(0, wanted);
    }
}
