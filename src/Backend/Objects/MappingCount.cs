using HostMemd.Linux;

namespace HostMemd.Backend.Objects;

/// <summary>
/// How many mappings this process has, by the kernel's word: /proc/self/maps is counted every few hundred objects and before anything is
/// refused, and between two counts each object adds the most that its kind can take. What the runtime and libc map and keep, such as the
/// stacks of threads that have ended, is thereby in it.
/// </summary>
public sealed class MappingCount
{
    // What may come between two counts without being an object: threads and their stacks, the GC's regions (one of 4 MiB may be two
    // mappings), libc's arenas, and the two more that unmapping or binding a part of something takes for a moment (munmap(2), ENOMEM).
    const ulong Reserve = 2048;

    // A few hundred objects. A count takes some 50 us beside few mappings and 50 ms beside 60,000: far from the limit it is done less often.
    const ulong LeastStep = 1024;
    const ulong PartOfRoom = 16;

    // After a refusal by a count so fresh that nothing can have gone since, others are not made to wait for the next.
    static readonly TimeSpan s_fresh = TimeSpan.FromSeconds(1);

    readonly Lock _gate = new();
    readonly Func<ulong> _count, _granted;
    Task? _counting;
    long _countedAt, _askedAt;
    ulong _max, _counted, _added, _released;

    // Of objects that are begun: now, and when the kernel last counted, which may have been before they were mapped.
    ulong _pending, _underWay;

    /// <param name="count">How many there are, 0 if the kernel does not say; null for this process.</param>
    /// <param name="granted">How many there may be; null for vm.max_map_count.</param>
    public MappingCount(Func<ulong>? count = null, Func<ulong>? granted = null)
    {
        _count = count ?? Procfs.CountMaps;
        _granted = granted ?? (static () => Host.MaxMapCount());
        Count();
    }

    /// <summary>Mappings the kernel grants a process: vm.max_map_count, which may change while the daemon runs; asked once a second.</summary>
    public ulong Max
    {
        get
        {
            lock (_gate)
            {
                if (_max == 0 || Environment.TickCount64 - _askedAt > s_fresh.TotalMilliseconds)
                    (_max, _askedAt) = (_granted(), Environment.TickCount64);
                return _max;
            }
        }
    }

    /// <summary>How many there are, with what is kept for the runtime.</summary>
    public ulong Used
    {
        get
        {
            lock (_gate)
                return Upper - Math.Min(Upper, _released);
        }
    }

    /// <summary>To be called, without anything held, before an object is begun: counts if it is time to.</summary>
    /// <param name="wanted">Mappings that the object takes.</param>
    public ValueTask SyncAsync(ulong wanted)
    {
        if (!IsDue(wanted))
            return default;
        lock (_gate)
            // A pool's thread: it takes milliseconds, and the caller has all clients to look after.
            return new(_counting ??= Task.Run(Count));
    }

    bool IsDue(ulong wanted)
    {
        var max = Max;
        lock (_gate)
        {
            var upper = Upper + wanted;
            if (upper > max)
                return _released > 0 || _added > 0 || Environment.TickCount64 - _countedAt > s_fresh.TotalMilliseconds;
            return _counting is null && _added > Math.Max(LeastStep, (max - Math.Min(max, _counted + Reserve)) / PartOfRoom);
        }
    }

    ulong Upper => Reserve + _counted + _underWay + _added;

    /// <summary>Whether so many more can be had.</summary>
    internal bool HasRoomFor(ulong wanted)
    {
        var max = Max;
        lock (_gate)
            return Upper + wanted <= max;
    }

    /// <summary>An object is begun.</summary>
    internal void Add(ulong mappings)
    {
        lock (_gate)
        {
            _added += mappings;
            _pending += mappings;
        }
    }

    /// <summary>It has what it takes, or never will.</summary>
    internal void Settle(ulong mappings)
    {
        lock (_gate)
            _pending -= mappings;
    }

    /// <summary>What an object took is free, or soon will be.</summary>
    internal void Release(ulong mappings)
    {
        lock (_gate)
            _released += mappings;
    }

    void Count()
    {
        ulong pending, added, released;
        lock (_gate)
            (pending, added, released) = (_pending, _added, _released);
        try
        {
            var counted = _count();
            lock (_gate)
            {
                if (counted == 0)
                    counted = _counted + added - Math.Min(_counted + added, released);
                _added -= added;
                _released -= released;
                (_counted, _underWay, _countedAt) = (counted, pending, Environment.TickCount64);
            }
        }
        finally
        {
            lock (_gate)
                _counting = null;
        }
    }
}
