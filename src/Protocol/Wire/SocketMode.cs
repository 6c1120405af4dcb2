namespace HostMemd.Protocol.Wire;

/// <summary>What one listening socket speaks, and to which clients.</summary>
/// <param name="Pretty">Replies are indented, one member a line; only for people.</param>
public sealed record SocketMode(bool Pretty)
{
    /// <summary>The <see cref="IFrontEnd.Protocol"/> that serves the clients.</summary>
    public string Protocol { get; init; } = Qmp;

    /// <summary>The protocol of a socket that names none.</summary>
    public const string Qmp = "qmp";

    /// <summary>Decides whether a client may connect, where the kernel does not decide; null where it does.</summary>
    public Func<PeerCredentials, bool>? Admits { get; init; }
}
