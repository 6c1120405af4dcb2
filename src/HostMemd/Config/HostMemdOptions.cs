using HostMemd.Backend.Memory;

namespace HostMemd.Config;

/// <summary>
/// Everything that can be configured, validated: the configuration file's settings with the command line's on top. Names, forms and
/// defaults are in <see cref="OptionTable"/>, <see cref="SettingTable"/> and <see cref="LimitTable"/>.
/// </summary>
public sealed record HostMemdOptions
{
    /// <summary>Sockets to listen on. When there are none and systemd passed none, the daemon serves its default socket.</summary>
    public IReadOnlyList<SocketOptions> Sockets { get; init; } = [];

    /// <summary>Sockets that <c>--chardev</c> named, until <c>--monitor</c> makes the daemon listen on them.</summary>
    internal IReadOnlyList<Chardev> Chardevs { get; init; } = [];

    /// <summary>Objects made at start, in this order: the configuration file's, then the command line's.</summary>
    public IReadOnlyList<ConfiguredObject> Objects { get; init; } = [];

    /// <summary>What QEMU's machine would supply, <c>--global</c> included.</summary>
    public MachineDefaults Machine { get; init; } = new() { Cpus = (uint)Environment.ProcessorCount };

    /// <summary>How much clients may have.</summary>
    public LimitValues Limits { get; init; } = LimitValues.Default;

    /// <summary>Which clients may do what.</summary>
    public AccessOptions Access { get; init; } = new();

    /// <summary>What is logged, and where besides stderr.</summary>
    public LogOptions Log { get; init; } = new();

    /// <summary>The configuration file that the command line names, absolute; null for the default one.</summary>
    public string? ConfigPath { get; init; }

    /// <summary>Absolute; null for none.</summary>
    public string? PidFile { get; init; }

    /// <summary>Whether the daemon goes to the background once it serves clients.</summary>
    public bool Daemonize { get; init; }

    /// <summary>The socket of a running daemon to take over from; empty for the one that this daemon would serve; null for none.</summary>
    public string? Takeover { get; init; }

    /// <summary>Logged once the log is open: what is accepted but should be written differently.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Makes the text that the user asked for instead of a daemon; null for a daemon.</summary>
    internal Func<string>? Answer { get; init; }
}
