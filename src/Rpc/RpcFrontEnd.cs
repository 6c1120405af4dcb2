using HostMemd.Protocol.Clients;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Wire;
using HostMemd.Rpc.Discovery;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Rpc;

/// <summary>Serves the clients that speak JSON-RPC 2.0: the same commands, events, roles and limits as QMP's clients have.</summary>
/// <param name="clients">The clients of all protocols.</param>
/// <param name="commands">All commands.</param>
/// <param name="events">All events.</param>
/// <param name="run">Runs one command.</param>
/// <param name="version">The daemon's, for the OpenRPC document.</param>
/// <param name="logger">Gets a line for each connection that ends by a fault.</param>
public sealed class RpcFrontEnd(
    ClientRegistry clients, CommandTable commands, IReadOnlyList<Event> events, CommandRunner run, string version, ILogger logger)
    : IFrontEnd
{
    /// <summary>The protocol's name in the configuration, and the <c>FileDescriptorName</c> of its sockets.</summary>
    public const string Name = "jsonrpc";

    readonly RpcServices _services = new(commands, run, () => OpenRpcDocument.Of(commands, events, version), logger);

    public string Protocol => Name;

    public void Serve(SafeFileHandle client, SocketMode mode)
    {
        if (!clients.TryAdmit(client, mode, out var peer, out var role))
            return;
        var served = new RpcClient(client, peer, clients, _services) { Role = role };
        clients.Serve(served, served.RunAsync);
    }
}
