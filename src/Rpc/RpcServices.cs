using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging;

namespace HostMemd.Rpc;

/// <summary>What all clients of this front end share.</summary>
/// <param name="Commands">All commands.</param>
/// <param name="Run">Runs one.</param>
/// <param name="Discover">Makes the OpenRPC document.</param>
/// <param name="Logger">The front end's.</param>
sealed record RpcServices(CommandTable Commands, CommandRunner Run, Func<Value> Discover, ILogger Logger)
{
    // One that found no memory is not remembered: the next client that asks may find some.
    readonly Lazy<Value> _document = new(Discover, LazyThreadSafetyMode.PublicationOnly);

    /// <summary>The answer to <c>rpc.discover</c>.</summary>
    public Value Document => _document.Value;
}
