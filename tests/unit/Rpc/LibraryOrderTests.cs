using System.Buffers;
using System.Diagnostics;
using HostMemd.Qapi;
using HostMemd.Rpc;
using HostMemd.Rpc.Messages;
using StreamJsonRpc;
using StreamJsonRpc.Protocol;

namespace HostMemd.Unit.Rpc;

/// <summary>What src/Rpc relies on and the library does not document; its version is pinned for that.</summary>
public sealed class LibraryOrderTests
{
    readonly List<string> _calls = [];

    sealed class Handler(List<string> calls, Queue<JsonRpcMessage> requests) : IJsonRpcMessageHandler
    {
        readonly TaskCompletionSource<JsonRpcMessage?> _end = new();

        /// <summary>Completes when the library wants a request and there is none.</summary>
        public TaskCompletionSource Drained { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void End() => _end.SetResult(null);

        public bool CanRead => true;
        public bool CanWrite => true;
        public IJsonRpcMessageFormatter Formatter { get; } = new RpcFormatter(default);

        public ValueTask<JsonRpcMessage?> ReadAsync(CancellationToken cancellationToken)
        {
            calls.Add("read");
            if (requests.TryDequeue(out var next))
                return new(next);
            Drained.SetResult();
            return new(_end.Task);
        }

        public ValueTask WriteAsync(JsonRpcMessage content, CancellationToken cancellationToken)
        {
            calls.Add($"write {((IJsonRpcMessageWithId)content).RequestId}");
            return default;
        }
    }

    sealed class Strategy(List<string> calls) : ICancellationStrategy
    {
        public void CancelOutboundRequest(RequestId requestId) { }
        public void OutboundRequestEnded(RequestId requestId) { }
        public void IncomingRequestStarted(RequestId requestId, CancellationTokenSource cancellationTokenSource) =>
            calls.Add($"started {requestId}");
        public void IncomingRequestEnded(RequestId requestId) => calls.Add($"ended {requestId}");
    }

    sealed class Session : JsonRpc
    {
        readonly List<string> _calls;
        readonly TaskCompletionSource _later;

        public Session(List<string> calls, Handler handler, TaskCompletionSource later) : base(handler)
        {
            (_calls, _later) = (calls, later);
            SynchronizationContext = null;
            TraceSource = new TraceSource("silent", SourceLevels.Off);
            CancellationStrategy = new Strategy(calls);
            AddLocalRpcMethod(RpcRequest.Dispatched, (Action<CancellationToken>)(static _ => { }));
        }

        protected override async ValueTask<JsonRpcMessage> DispatchRequestAsync(
            JsonRpcRequest request, TargetMethod targetMethod, CancellationToken cancellationToken)
        {
            _calls.Add($"dispatch {((RpcRequest)request).Name} {cancellationToken.CanBeCanceled}");
            if (((RpcRequest)request).Name == "later")
                await _later.Task;
            return RpcReplies.Result(request.RequestId, Value.Null);
        }
    }

    [Fact]
    public async Task LibraryOrder_IsWhatTheHandlerReliesOn()
    {
        var later = new TaskCompletionSource();
        var requests = new Queue<JsonRpcMessage>(
        [
            new RpcRequest("short") { RequestId = new(1) }, new RpcRequest("later") { RequestId = new(2) }, new RpcRequest("notified"),
            new RpcRequest("short") { RequestId = new(3) },
        ]);
        var handler = new Handler(_calls, requests);
        using var session = new Session(_calls, handler, later);

        session.StartListening();

        await handler.Drained.Task;
        // Each request begun before the next is read, and answered before that if it did not wait.
        Assert.Equal(
        [
            "read", "started 1", "dispatch short True", "ended 1", "write 1",
            "read", "started 2", "dispatch later True",
            "read", "dispatch notified False",
            "read", "started 3", "dispatch short True", "ended 3", "write 3",
            "read",
        ], _calls);
        later.SetResult();
        handler.End();
        await session.Completion;
    }
}
