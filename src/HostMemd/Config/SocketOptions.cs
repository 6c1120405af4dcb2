namespace HostMemd.Config;

/// <summary>A socket that the daemon listens on.</summary>
/// <param name="Path">As given: a relative path belongs to the directory that the daemon was started in. Or the abstract name.</param>
/// <param name="Pretty">Replies are indented, for people.</param>
/// <param name="IsAbstract">The socket has no file but a name in the network namespace (unix(7)).</param>
/// <param name="IsTight">An abstract name is as long as it is written; otherwise it is padded with NULs. QEMU's <c>tight</c>.</param>
public sealed record SocketOptions(string Path, bool Pretty = false, bool IsAbstract = false, bool IsTight = true)
{
    /// <summary>What clients of the socket speak.</summary>
    public SocketProtocol Protocol { get; init; } = SocketProtocol.Qmp;

    /// <summary>
    /// Reads a path or name. <c>@NAME</c> is an abstract socket, as socat, ss and systemd write it; a file of such a name is
    /// <c>./@NAME</c>. Where <paramref name="isAbstract"/> decides, the text is taken as it is.
    /// </summary>
    public static SocketOptions Read(string text, bool pretty, bool? isAbstract, bool? isTight) =>
        isAbstract is null && text is ['@', _, ..] ? new(text[1..], pretty, IsAbstract: true, isTight ?? true)
        : new(text, pretty, isAbstract ?? false, isTight ?? true);

    /// <summary>The name in log lines, which is also its identity: absolute, or <c>@NAME</c>.</summary>
    internal string Name => IsAbstract ? $"@{Path}" : ArgumentBytes.FullPath(Path);
}
