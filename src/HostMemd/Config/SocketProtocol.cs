using HostMemd.Rpc;

namespace HostMemd.Config;

/// <summary>
/// What a socket speaks. A protocol is a row here: the option <c>--NAME unix:PATH</c>, the value of <c>Protocol</c> in the configuration
/// file, <c>--help</c> and the manual follow from it.
/// </summary>
/// <param name="Name">The option's name and the value of <c>Protocol</c>.</param>
/// <param name="Title">As prose writes it.</param>
public sealed record SocketProtocol(string Name, string Title)
{
    /// <summary>QEMU's protocol, which sockets speak unless their configuration names another one.</summary>
    public static SocketProtocol Qmp { get; } = new("qmp", "QMP");

    /// <summary>JSON-RPC 2.0, for clients that are not QEMU's.</summary>
    public static SocketProtocol JsonRpc { get; } = new(RpcFrontEnd.Name, "JSON-RPC");

    /// <summary>All protocols that the daemon serves.</summary>
    public static IReadOnlyList<SocketProtocol> All { get; } = [Qmp, JsonRpc];
}
