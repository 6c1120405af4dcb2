using HostMemd.Linux;

namespace HostMemd.Backend.Objects;

/// <summary>
/// Counts the mappings of this process. /proc/self/maps is counted every few hundred objects and before an object is refused; between two
/// counts each object adds the most that its class can take. The mappings of the runtime and libc, such as the stacks of threads that
/// have ended, are thereby included.
/// </summary>
public sealed class MappingCount
{
    // For mappings between two counts that are no objects: the stacks of threads, the GC's regions (one of 4 MiB may be two mappings),
    // libc's arenas, and the two more that unmapping or binding a part of a mapping takes for a moment (munmap(2), ENOMEM).
    const ulong Reserve = 2048;

    // A few hundred objects. The time of a count grows with the mappings: far from the limit there are fewer counts.
    const ulong LeastStep = 1024;
    const ulong PartOfRoom = 16;

    // A refusal by a count this fresh needs no new one.
    static readonly TimeSpan s_fresh = TimeSpan.FromSeconds(1);

    readonly Lock _gate = new();
    readonly Func<ulong> _count, _granted;
    Task? _counting;
    long _countedAt, _askedAt;
    ulong _max, _counted, _added, _released;

    // Mappings of objects that are begun: now, and at the last count, which may have come before they were mapped.
    ulong _pending, _underWay;

    /// <param name="count">Counts the mappings, 0 if the kernel does not say; null for those of this process.</param>
    /// <param name="granted">The limit; null for vm.max_map_count.</param>
    public MappingCount(Func<ulong>? count = null, Func<ulong>? granted = null)
    {
        _count = count ?? Procfs.CountMaps;
        _granted = granted ?? (static () => Host.MaxMapCount());
        Count();
    }

    /// <summary>
    /// Mappings the kernel grants a process: vm.max_map_count, which may change while the daemon runs; asked once a second.
    /// </summary>
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

    /// <summary>How many mappings there are, including the reserve for the runtime.</summary>
    public ulong Used
    {
        get
        {
            lock (_gate)
                return Upper - Math.Min(Upper, _released);
        }
    }

    /// <summary>Counts if a count is due. Called before an object is begun, <b>without</b> the state.</summary>
    /// <param name="wanted">Mappings that the object takes.</param>
    public ValueTask SyncAsync(ulong wanted)
    {
        if (!IsDue(wanted))
            return default;
        lock (_gate)
            // On a thread of the pool: a count takes milliseconds, and the caller serves all clients.
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

    /// <summary>Whether there is room for so many more.</summary>
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

    /// <summary>The object is mapped, or never will be.</summary>
    internal void Settle(ulong mappings)
    {
        lock (_gate)
            _pending -= mappings;
    }

    /// <summary>The mappings of an object are free, or soon will be.</summary>
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
