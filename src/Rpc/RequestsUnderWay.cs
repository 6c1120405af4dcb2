using HostMemd.Qapi;
using HostMemd.Rpc.Messages;
using StreamJsonRpc;

namespace HostMemd.Rpc;

/// <summary>
/// The requests of one client that are not answered yet. The library enters each one's cancellation here, so that a cancel finds it from
/// the moment it is dispatched. Any thread.
/// </summary>
/// <param name="most">Requests and notifications at once; further ones are refused.</param>
sealed class RequestsUnderWay(Limit most) : ICancellationStrategy
{
    readonly Lock _gate = new();
    Dictionary<RequestId, RpcRequest>? _byId;
    int _notifications;

    // Answers that are ready and not yet in the client's output.
    int _answering;
    TaskCompletionSource? _idle;

    /// <summary>How many there are.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return Held;
        }
    }

    /// <summary>Enters a request that is about to be dispatched; or returns why it is not.</summary>
    public RpcFault? Begin(RpcRequest request)
    {
        lock (_gate)
        {
            if (most.IsReachedBy(Held))
                return RpcFault.Of(QmpErrors.LimitReached(most));
            if (!request.IsResponseExpected)
                _notifications++;
            else if (!(_byId ??= []).TryAdd(request.RequestId, request))
                return new(RpcErrorCodes.InvalidRequest, RpcErrors.IdInUse(request.RequestId.ToString()));
            return null;
        }
    }

    /// <summary>
    /// The request's answer is ready: it counts no longer, and its id is free. Followed by <see cref="Answered"/>, until which the client
    /// is not idle.
    /// </summary>
    /// <returns>Null if none of that id is under way.</returns>
    public RpcRequest? End(RequestId id)
    {
        lock (_gate)
        {
            _answering++;
            return _byId is not null && _byId.Remove(id, out var request) ? request : null;
        }
    }

    /// <summary>The answer is on its way: a client that has closed its half and waits for nothing else may be closed now.</summary>
    public void Answered()
    {
        lock (_gate)
        {
            _answering--;
            SetIdle();
        }
    }

    /// <summary>A request without an answer is done.</summary>
    public void EndNotification()
    {
        lock (_gate)
        {
            _notifications--;
            SetIdle();
        }
    }

    /// <summary>Completes when nothing is under way.</summary>
    public Task WhenIdle()
    {
        lock (_gate)
        {
            if (Held + _answering == 0)
                return Task.CompletedTask;
            _idle ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            return _idle.Task;
        }
    }

    /// <summary>Cancels a request; one that has been answered, or never came, is no matter.</summary>
    public void Cancel(RequestId id)
    {
        CancellationTokenSource? cancellation;
        lock (_gate)
            cancellation = _byId is not null && _byId.TryGetValue(id, out var request) ? request.Cancellation : null;
        // What the token ends goes on at another thread: this one reads the client's next message.
        _ = cancellation?.CancelAsync();
    }

    public void IncomingRequestStarted(RequestId requestId, CancellationTokenSource cancellationTokenSource)
    {
        lock (_gate)
        {
            if (_byId is not null && _byId.TryGetValue(requestId, out var request))
                request.Cancellation = cancellationTokenSource;
        }
    }

    public void IncomingRequestEnded(RequestId requestId)
    {
        lock (_gate)
        {
            if (_byId is not null && _byId.TryGetValue(requestId, out var request))
                request.Cancellation = null;
        }
    }

    // The daemon sends no requests, so there is none to cancel.
    public void CancelOutboundRequest(RequestId requestId) { }

    public void OutboundRequestEnded(RequestId requestId) { }

    // Under the gate.
    int Held => _notifications + (_byId?.Count ?? 0);

    void SetIdle()
    {
        if (Held + _answering > 0)
            return;
        _idle?.TrySetResult();
        _idle = null;
    }
}
