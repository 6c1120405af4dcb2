using HostMemd.Backend.Linux;

namespace HostMemd.Backend.Prealloc;

/// <summary>
/// The threads that fill memory: one bound for the whole daemon, shared fairly by all fillings, a step at a time. Threads are
/// started when there is work and leave when there has been none for a while.
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

    /// <summary>Fills a region.</summary>
    /// <returns>No error, or the first one; ECANCELED after <see cref="Cancel"/>.</returns>
    public Task<Errno> RunAsync(Filling filling)
    {
        lock (_gate)
        {
            _fillings.Add(filling);
            // All workers exist before the first step: starting a thread maps its stack, which would wait for the steps.
            var wanted = Math.Min(bound, _fillings.Sum(f => f.Workers));
            for (; _threads < wanted; _threads++)
                new Thread(Work, StackBytes) { IsBackground = true, Name = "hostmemd-fill" }.Start();
            Monitor.PulseAll(_gate);
        }
        return filling.Completion;
    }

    /// <summary>Ends a filling after the steps that are under way.</summary>
    public void Cancel(Filling filling)
    {
        lock (_gate)
        {
            if (filling.Stop())
                _fillings.Remove(filling);
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
        while (Next(out var offset, out var length) is { } filling)
        {
            UseCpus(filling.Cpus, ref cpus);
            var errno = filling.Fill(offset, length);
            lock (_gate)
            {
                if (filling.Finished(length, errno))
                    _fillings.Remove(filling);
            }
        }
    }

    // The filling with the fewest workers at the moment, so that a large one does not starve a small one.
    Filling? Next(out ulong offset, out ulong length)
    {
        lock (_gate)
        {
            while (true)
            {
                Filling? best = null;
                foreach (var filling in _fillings)
                {
                    if (filling.HasWork && (best is null || filling.Active < best.Active))
                        best = filling;
                }
                if (best is not null)
                {
                    (offset, length) = best.Take();
                    return best;
                }
                if (!Monitor.Wait(_gate, s_idle) && _fillings.Count == 0)
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
