using System.Diagnostics;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using HostMemd.Rpc.Messages;
using Microsoft.Extensions.Logging;
using StreamJsonRpc;
using StreamJsonRpc.Protocol;

namespace HostMemd.Rpc;

/// <summary>
/// One client as the library serves it: it takes requests from the handler in their order, runs each until it first has to wait, and brings
/// its answer back when it is ready. What a request does is decided here, by the daemon's tables.
/// </summary>
sealed class RpcSession : JsonRpc
{
    // The library has a source of its own for each connection, which writes to listeners that a daemon does not have.
    static readonly TraceSource s_silent = new(nameof(JsonRpc), SourceLevels.Off);

    // Its parameter is what makes the library keep a cancellation for each request.
    static readonly Action<CancellationToken> s_never = static _ => throw new InvalidOperationException("requests are dispatched by name");

    readonly RpcClient _client;
    readonly RpcServices _services;
    readonly RequestsUnderWay _underWay;

    public RpcSession(RpcMessageHandler handler, RpcClient client, RpcServices services, RequestsUnderWay underWay) : base(handler)
    {
        (_client, _services, _underWay) = (client, services, underWay);
        // Requests begin on the thread that read them: no queue between the handler and the command.
        SynchronizationContext = null;
        TraceSource = s_silent;
        CancellationStrategy = underWay;
        AddLocalRpcMethod(RpcRequest.Dispatched, s_never);
    }

    protected override ValueTask<JsonRpcMessage> DispatchRequestAsync(
        JsonRpcRequest request, TargetMethod targetMethod, CancellationToken cancellationToken)
    {
        var sent = (RpcRequest)request;
        var call = new Call(_client);
        try
        {
            var work = Run(sent, call, cancellationToken);
            return work.IsCompletedSuccessfully ? new(Answer(sent, call, work.Result)) : Await(sent, call, work);
        }
        catch (Exception failure)
        {
            return new(Refuse(sent, call, failure));
        }
    }

    ValueTask<Value> Run(RpcRequest request, Call call, CancellationToken cancellation)
    {
        if (request.Name == RpcCommands.Discover)
            return new(_services.Document);
        var arguments = request.Named
            ?? PositionalArguments.Name(request.Name, _services.Commands.Find(request.Name).ArgumentType.Shape, request.Positional!);
        var progress = request.ProgressToken is { } token ? new ProgressNotifications(_client, token) : null;
        call.Begin(request.Name, arguments, request.DescriptorBatch, waiter: new(cancellation, progress));
        return _services.Run(call);
    }

    async ValueTask<JsonRpcMessage> Await(RpcRequest request, Call call, ValueTask<Value> work)
    {
        try
        {
            return Answer(request, call, await work.ConfigureAwait(false));
        }
        catch (Exception failure)
        {
            return Refuse(request, call, failure);
        }
    }

    JsonRpcMessage Answer(RpcRequest request, Call call, Value result)
    {
        if (request.IsResponseExpected)
        {
            request.ReplyDescriptor = call.ReplyDescriptor;
            request.AfterReply = call.AfterReply;
            return RpcReplies.Result(request.RequestId, result);
        }
        call.ReplyDescriptor?.Dispose();
        call.AfterReply?.Invoke();
        _underWay.EndNotification();
        return RpcReplies.Result(request.RequestId, result);
    }

    JsonRpcMessage Refuse(RpcRequest request, Call call, Exception failure)
    {
        call.ReplyDescriptor?.Dispose();
        if (!request.IsResponseExpected)
            _underWay.EndNotification();
        if (failure is not QmpException refusal)
        {
            RpcLog.RequestBroke(_services.Logger, request.Name, failure);
            refusal = QmpErrors.Internal();
        }
        return RpcReplies.Error(request.RequestId, RpcFault.Of(refusal));
    }
}
