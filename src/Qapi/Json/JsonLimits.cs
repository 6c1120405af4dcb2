namespace HostMemd.Qapi.Json;

/// <summary>What one message may cost before it is refused.</summary>
public sealed record JsonLimits
{
    /// <summary>Objects and arrays open at once. QEMU: 1024 levels are read, the next one is refused.</summary>
    public int Depth { get; init; } = 1024;

    /// <summary>Bytes of all tokens of a message. QEMU: 64 MiB.</summary>
    public long TokenBytes { get; init; } = 64L << 20;

    /// <summary>Tokens of a message. QEMU: 2 Mi.</summary>
    public int Tokens { get; init; } = 2 << 20;

    /// <summary>
    /// Bytes of a message, blanks included. QEMU has no such limit, and without the caller's there is none here: values take up to some 30
    /// times the memory of their text.
    /// </summary>
    public Limit RequestBytes { get; init; }
}
