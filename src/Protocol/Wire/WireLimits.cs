namespace HostMemd.Protocol.Wire;

/// <summary>What a client can run into on the wire. Each value has its reason beside it.</summary>
public sealed record WireLimits
{
    /// <summary>QEMU reads ahead eight commands of a client that has enabled <c>oob</c>, then stops reading it.</summary>
    public int QueuedRequests { get; init; } = 8;

    /// <summary>Bytes of one request: hundreds of times the longest that a known client sends.</summary>
    public long RequestBytes { get; init; } = 4 << 20;

    /// <summary>
    /// Bytes of all requests that have begun to come in and not ended, of all clients; above, the client with the longest is closed. What
    /// clients keep in the daemon by not going on is bounded by this, not by their number: values take up to some 30 times their text.
    /// </summary>
    public long UnfinishedBytes { get; init; } = 16 << 20;

    /// <summary>
    /// Bytes of replies not yet read at which a client's input is left alone until it reads: a socket's buffer and a few schemas.
    /// </summary>
    public long OutputPause { get; init; } = 256 << 10;

    /// <summary>Bytes not yet read at which a client is closed. Only events pass <see cref="OutputPause"/>; this is a day of them.</summary>
    public long OutputLimit { get; init; } = 16 << 20;

    /// <summary>Connections served at once by all sockets together.</summary>
    public int Clients { get; init; } = 4096;

    /// <summary>Connections of one user; 0: only <see cref="Clients"/>.</summary>
    public int ClientsPerUid { get; init; }

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

    /// <summary>Connections that have not negotiated; above, the oldest of them is closed. A client negotiates at once.</summary>
    public int Silent { get; init; } = 512;
}
