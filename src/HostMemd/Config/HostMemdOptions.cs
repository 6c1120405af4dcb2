using System.Net.Sockets;
using HostMemd.Backend.Memory;
using HostMemd.Start;

namespace HostMemd.Config;

/// <summary>
/// Everything that may be configured, validated: the configuration file's settings, the command line's on top. What each setting
/// is called, its default and its bounds are beside the setting itself.
/// </summary>
public sealed record HostMemdOptions
{
    /// <summary>Sockets to listen on; when there are none and none were passed, the default one.</summary>
    public IReadOnlyList<SocketOptions> Sockets { get; init; } = [];

    /// <summary>Objects made at start, in this order: the configuration file's, then the command line's.</summary>
    public IReadOnlyList<ConfiguredObject> Objects { get; init; } = [];

    /// <summary>What QEMU's machine would supply, <c>--global</c> included.</summary>
    public MachineDefaults Machine { get; init; } = new() { Cpus = (uint)Environment.ProcessorCount };

    public LimitOptions Limits { get; init; } = new();

    public AccessOptions Access { get; init; } = new();

    public LogOptions Log { get; init; } = new();

    /// <summary>Absolute; null for none.</summary>
    public string? PidFile { get; init; }

    public bool Daemonize { get; init; }

    /// <summary>The socket of a running daemon to take over from; empty for the one that this daemon would serve; null for none.</summary>
    public string? Takeover { get; init; }

    /// <summary>Told once the log is open: what is accepted but should be written differently.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>One QMP socket.</summary>
/// <param name="Path">As given: a relative one belongs to the directory the daemon was started in. Of an abstract socket its name.</param>
/// <param name="Pretty">Replies are indented, for people.</param>
/// <param name="IsAbstract">It is no file but a name of the network namespace (unix(7)).</param>
/// <param name="IsTight">An abstract name is as long as it is written; else it is filled up with NULs. QEMU's <c>tight</c>.</param>
public sealed record SocketOptions(string Path, bool Pretty = false, bool IsAbstract = false, bool IsTight = true)
{
    /// <summary>
    /// <c>@NAME</c> is an abstract socket, as socat, ss and systemd write one; a file of such a name is <c>./@NAME</c>. Where it is said
    /// which of the two it is, the text is the name.
    /// </summary>
    public static SocketOptions Read(string text, bool pretty, bool? isAbstract, bool? isTight) =>
        isAbstract is null && text is ['@', _, ..] ? new(text[1..], pretty, IsAbstract: true, isTight ?? true)
        : new(text, pretty, isAbstract ?? false, isTight ?? true);

    /// <summary>For people, and to be told apart by.</summary>
    internal string Name => IsAbstract ? $"@{Path}" : ArgumentBytes.FullPath(Path);

    /// <summary>That socket is bound there.</summary>
    internal bool IsAt(Socket socket) => UnixAddress.Of(this).IsSameAs(UnixAddress.Of(socket));
}
