using HostMemd.Linux;
using HostMemd.Protocol.Wire;

namespace HostMemd.Config;

/// <summary>How much the clients may have. 0 means no limit where a limit is not needed to stay alive.</summary>
public sealed record LimitOptions
{
    /// <summary>Clients connected at once. An idle one costs a descriptor and some 10 KiB, so 4096 are 40 MiB.</summary>
    public int Clients { get; init; } = 4096;

    /// <summary>Clients of one user; 0: only <see cref="Clients"/>. Off: a host's manager is one user, a client per guest.</summary>
    public int ClientsPerUid { get; init; }

    /// <summary>Clients that have not negotiated yet; above, the oldest of them is closed. A client that means it negotiates at once.</summary>
    public int Silent { get; init; } = 512;

    /// <summary>Fillings that go on at once; 0: no limit, as they share the threads fairly.</summary>
    public int Fillings { get; init; }

    /// <summary>Objects that exist at once; 0: until the kernel's vm.max_map_count ends it.</summary>
    public int Objects { get; init; }

    /// <summary>Bytes of all backends that clients of one user made, as sizes, not as resident pages; 0: no limit.</summary>
    public ulong BytesPerUid { get; init; }

    /// <summary>Bytes of all backends, as sizes; 0: no limit. The kernel's overcommit rules hold in any case.</summary>
    public ulong BytesTotal { get; init; }

    /// <summary>Bytes of one request. No known client sends more than a few KiB; values take up to 30 times their text.</summary>
    public long RequestBytes { get; init; } = 4L << 20;

    /// <summary>Bytes of unfinished requests of all clients; above, the client with the longest is closed. Values take up to 30 times that.</summary>
    public long UnfinishedBytes { get; init; } = 16L << 20;

    /// <summary>Requests read ahead for a client that enabled <c>oob</c>: QEMU's number.</summary>
    public int QueuedRequests { get; init; } = 8;

    /// <summary>Bytes of output that a client does not read before it is closed: a day of events.</summary>
    public long OutputBytes { get; init; } = 16L << 20;

    /// <summary>Threads that fill memory, for all fillings together; 0: one for each CPU that is online.</summary>
    public int FillThreads { get; init; }

    // Of RLIMIT_NOFILE, which .NET has raised as far as it may. The runtime's own come and go by tens, a takeover's by hundreds.
    // Half of that is for what clients sent and is not closed yet; with 512 all of a message's descriptors have room.
    static readonly ulong s_most = Rlimit.Get(Rlimit.RLIMIT_NOFILE, out var most, out _).Ok ? Math.Min(most, int.MaxValue) : int.MaxValue;
    static readonly ulong s_own = Math.Min(1024, s_most / 4);

    /// <summary>The part that the wire knows of.</summary>
    public WireLimits Wire => new()
    {
        Clients = Clients,
        ClientsPerUid = ClientsPerUid,
        Silent = Silent,
        RequestBytes = RequestBytes,
        UnfinishedBytes = UnfinishedBytes,
        QueuedRequests = QueuedRequests,
        OutputLimit = OutputBytes,
        Descriptors = (long)(s_most - s_own),
        ClosingDescriptors = (int)(s_own / 2),
    };

    // The names in the configuration file. A lower bound that is not 0 is what the daemon needs to answer at all.
    static readonly LimitRow[] s_rows =
    [
        new(nameof(Clients), 1, 1 << 20, (o, v) => o with { Clients = (int)v }),
        new(nameof(ClientsPerUid), 0, 1 << 20, (o, v) => o with { ClientsPerUid = (int)v }),
        new(nameof(Silent), 1, 1 << 20, (o, v) => o with { Silent = (int)v }),
        new(nameof(Fillings), 0, 1 << 20, (o, v) => o with { Fillings = (int)v }),
        new(nameof(Objects), 0, int.MaxValue, (o, v) => o with { Objects = (int)v }),
        new(nameof(BytesPerUid), 0, ulong.MaxValue, (o, v) => o with { BytesPerUid = v }),
        new(nameof(BytesTotal), 0, ulong.MaxValue, (o, v) => o with { BytesTotal = v }),
        // QEMU's own bound on the tokens of a message is the most that has a meaning.
        new(nameof(RequestBytes), 4 << 10, 64 << 20, (o, v) => o with { RequestBytes = (long)v }),
        new(nameof(UnfinishedBytes), 4 << 10, 1UL << 40, (o, v) => o with { UnfinishedBytes = (long)v }),
        new(nameof(QueuedRequests), 1, 1024, (o, v) => o with { QueuedRequests = (int)v }),
        // The schema is one reply of some 100 KiB.
        new(nameof(OutputBytes), 1 << 20, 1 << 30, (o, v) => o with { OutputBytes = (long)v }),
        new(nameof(FillThreads), 0, 4096, (o, v) => o with { FillThreads = (int)v }),
    ];

    internal static LimitOptions Read(ConfigSection section) =>
        s_rows.Aggregate(new LimitOptions(), (limits, row) =>
            section.Number(row.Name, row.Least, row.Most) is { } value ? row.Set(limits, value) : limits);

    sealed record LimitRow(string Name, ulong Least, ulong Most, Func<LimitOptions, ulong, LimitOptions> Set);
}
