using HostMemd.Qapi;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// What clients may cost. A limit that is not set does not hold; the daemon sets all of them from its table, which has the defaults and the
/// reasons.
/// </summary>
public sealed record WireLimits
{
    /// <summary>Requests read ahead for a client that enabled <c>oob</c>; then it is not read until one is answered.</summary>
    public Limit QueuedRequests { get; init; }

    /// <summary>
    /// Requests of one JSON-RPC client that are not answered yet; further ones are refused. QMP answers in order and has
    /// <see cref="QueuedRequests"/>.
    /// </summary>
    public Limit RequestsInFlight { get; init; }

    /// <summary>Bytes of one request.</summary>
    public Limit RequestBytes { get; init; }

    /// <summary>
    /// Bytes of all requests that have begun to come in and not ended, of all clients; above, the client with the longest is closed.
    /// </summary>
    public Limit UnfinishedBytes { get; init; }

    /// <summary>
    /// Bytes of replies not yet read at which a client is not read until it reads: a socket's buffer and a few schemas.
    /// </summary>
    public long OutputPause { get; } = 256 << 10;

    /// <summary>Bytes not yet read at which a client is closed. Only events pass <see cref="OutputPause"/>.</summary>
    public Limit OutputBytes { get; init; }

    /// <summary>Clients served at once by all sockets together.</summary>
    public Limit Clients { get; init; }

    /// <summary>Clients of one user.</summary>
    public Limit ClientsPerUid { get; init; }

    /// <summary>
    /// The highest number that a client's connection or a descriptor from it may have: above, the daemon's own lie. The kernel gives the
    /// lowest that is free, so this is how many there may be. .NET does not survive a process without any.
    /// </summary>
    public long Descriptors { get; init; } = long.MaxValue;

    /// <summary>
    /// Descriptors that clients sent and that are not closed yet, of all clients; above, a client that sends more of them waits. They are a
    /// part of what lies above <see cref="Descriptors"/>.
    /// </summary>
    public int ClosingDescriptors { get; init; } = 512;

    /// <summary>Clients that have not negotiated; above, the oldest of them is closed.</summary>
    public Limit Silent { get; init; }
}
