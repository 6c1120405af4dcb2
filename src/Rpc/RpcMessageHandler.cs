using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using HostMemd.Linux;
using HostMemd.Protocol.Clients;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using HostMemd.Rpc.Framing;
using HostMemd.Rpc.Messages;
using Microsoft.Extensions.Logging;
using StreamJsonRpc;
using StreamJsonRpc.Protocol;

namespace HostMemd.Rpc;

/// <summary>
/// Between one client's socket and the library: bytes become requests, answers become bytes. An exception out of here would end the
/// connection
/// without an answer, so what a client sends wrong is answered here and never reaches the library. Input is left alone while the client
/// does
/// not read its answers.
/// </summary>
/// <param name="client">The client.</param>
/// <param name="clients">Bound what messages without their end may cost together.</param>
/// <param name="receiver">Brings its bytes and descriptors.</param>
/// <param name="readable">Ready when there are some.</param>
/// <param name="sender">Knows when the client has read enough.</param>
/// <param name="outbox">What goes out.</param>
/// <param name="underWay">The requests that are not answered yet.</param>
/// <param name="limits">What the client can run into.</param>
/// <param name="formatter">How answers are written.</param>
/// <param name="logger">Gets the reason when the connection is ended.</param>
sealed class RpcMessageHandler(
    RpcClient client, ClientRegistry clients, SocketReceiver receiver, Readiness readable, SocketSender sender, RpcOutbox outbox,
    RequestsUnderWay underWay, WireLimits limits, RpcFormatter formatter, ILogger logger) : IJsonRpcMessageHandler
{
    // A client that always has more to read is put behind the others after so much; a short read counts for more than it brings.
    const int TurnBytes = 64 << 10;
    const int LeastRead = 1 << 10;

    readonly FrameReader _frames = new(limits.RequestBytes);

    // What has been received and not yet read, in a buffer that is only held while there is some.
    byte[] _buffer = [];
    ReadOnlySequence<byte> _input;

    // Elements of a batch that are not begun yet: a short one is answered before the next begins, and counts no longer.
    Queue<(Value Message, RpcBatch Batch)>? _elements;

    // The line without its end that the input ended with.
    JsonResult? _last;
    int _turn;
    bool _isDrained;
    bool _hasEnded;

    // The thread that runs the library's loop between two reads: what it writes goes out together when nothing more is there to read.
    int _reading;

    /// <summary>The descriptors that the client sent.</summary>
    public required ReceivedDescriptors Descriptors { get; init; }

    /// <summary>Asks for an end after what was received.</summary>
    public CancellationToken Stop { get; set; }

    /// <summary>Whether the client's messages stand behind headers; null before its first byte.</summary>
    public bool? HasHeaders { get; private set; }

    public bool CanRead => true;

    public bool CanWrite => true;

    public IJsonRpcMessageFormatter Formatter => formatter;

    /// <summary>Waits for the first bytes; false if the client leaves, or has to, without any.</summary>
    public ValueTask<bool> ReceiveFirstAsync() => FillAsync();

    /// <summary>The next request; null when there will be none and all are answered.</summary>
    public ValueTask<JsonRpcMessage?> ReadAsync(CancellationToken cancellationToken)
    {
        _reading = 0;
        try
        {
            if (!client.IsEnding && !outbox.IsBehind(limits.OutputPause) && TryNext(out var request))
                return new(Begin(request));
        }
        catch (Exception bug)
        {
            RpcLog.ConnectionBroke(logger, client.Peer.Pid, bug);
            client.End();
        }
        return ReceiveAsync();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    async ValueTask<JsonRpcMessage?> ReceiveAsync()
    {
        try
        {
            while (!client.IsEnding && !client.IsGone)
            {
                if (outbox.IsBehind(limits.OutputPause))
                {
                    outbox.Flush();
                    await sender.DrainedAsync().ConfigureAwait(false);
                    // Time has passed: what a client that has left had sent before is not worth doing.
                    client.IsHungUp();
                    continue;
                }
                if (TryNext(out var request))
                    return Begin(request);
                if (_hasEnded)
                    break;
                outbox.Flush();
                _hasEnded = !await FillAsync().ConfigureAwait(false);
            }
        }
        catch (Exception bug)
        {
            RpcLog.ConnectionBroke(logger, client.Peer.Pid, bug);
        }
        Release();
        outbox.Flush();
        // The library does not send what is ready after the end of input; a client that only half-closed still wants its answers.
        await underWay.WhenIdle().ConfigureAwait(false);
        return null;
    }

    JsonRpcMessage Begin(RpcRequest request)
    {
        Descriptors.Forget(request.DescriptorBatch);
        _reading = Environment.CurrentManagedThreadId;
        return request;
    }

    /// <summary>Receives more. False at the end: what is in the input then is all there is.</summary>
    async ValueTask<bool> FillAsync()
    {
        Release();
        while (!client.IsGone)
        {
            // A read that left room has most likely emptied the socket.
            byte[] buffer = [];
            var received = 0;
            var errno = _isDrained ? Errno.EAGAIN : receiver.Receive(out buffer, out received);
            if (errno == SocketReceiver.HasDescriptors)
            {
                _turn = 0;
                if (!receiver.TryPromise())
                {
                    await receiver.RoomAsync(Stop).ConfigureAwait(false);
                    // A daemon that ends does so without what the client sent too fast.
                    if (client.IsHungUp() || Stop.IsCancellationRequested)
                        return false;
                    continue;
                }
                (errno, buffer, received) = await receiver.ReceivePromisedAsync().ConfigureAwait(false);
            }
            if (received > 0)
            {
                await TakeAsync(buffer, received).ConfigureAwait(false);
                return true;
            }
            if (errno != Errno.EAGAIN)
            {
                if (errno.Failed)
                    client.IsGone = true;
                // A client that only half-closed still wants its answers.
                return !client.IsHungUp() && End();
            }
            else if (!Stop.IsCancellationRequested)
            {
                if (!readable.IsCompleted)
                    _turn = 0;
                await readable;
                _isDrained = false;
            }
            else if (!_isDrained)
            {
                return End();
            }
            else
            {
                // What came since that read is still answered.
                _isDrained = false;
            }
        }
        return false;
    }

    async ValueTask TakeAsync(byte[] buffer, int received)
    {
        _buffer = buffer;
        _input = new(buffer, 0, received);
        _isDrained = received < SocketReceiver.ReadSize;
        _turn += Math.Max(received, LeastRead);
        if (_turn < TurnBytes)
            return;
        _turn = 0;
        await new BackOfTheQueue();
    }

    // A line may lack its end; half a message behind headers is none.
    bool End()
    {
        if (_frames.TryEnd(out var text))
            _last = text;
        return false;
    }

    void Release()
    {
        clients.SetUnfinished(client, _frames.PendingBytes);
        if (_buffer.Length == 0)
            return;
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _input = default;
    }

    bool TryNext([NotNullWhen(true)] out RpcRequest? request)
    {
        while (true)
        {
            RpcRequest? taken;
            if (_elements is not null && _elements.TryDequeue(out var element))
                taken = Take(element.Message, element.Batch);
            else if (TryFrame(out var text))
                taken = Take(text);
            else if (_last is { } last)
                (_last, taken) = (null, Take(last));
            else
                break;
            if (taken is null)
                continue;
            request = taken;
            return true;
        }
        request = null;
        return false;
    }

    bool TryFrame(out JsonResult text)
    {
        try
        {
            var found = _frames.TryRead(ref _input, out text);
            HasHeaders ??= _frames.HasHeaders;
            return found;
        }
        catch (FrameFault lost)
        {
            RpcLog.FramingLost(logger, client.Peer.Pid, client.Peer.Uid, lost.Message);
            _hasEnded = true;
            _input = default;
            text = default;
            return false;
        }
    }

    /// <summary>The request that a message is; null for one that is answered already, is none, or is a batch of them.</summary>
    RpcRequest? Take(JsonResult text)
    {
        if (text.Error is { } syntax)
            Answer(RequestId.Null, new(RpcErrorCodes.Parse, syntax));
        else if (text.Value.TryList(out var elements))
            TakeBatch(elements);
        else
            return Take(text.Value, null);
        return null;
    }

    void TakeBatch(IReadOnlyList<Value> elements)
    {
        if (elements.Count == 0)
        {
            Answer(RequestId.Null, new(RpcErrorCodes.InvalidRequest, RpcErrors.EmptyBatch()));
            return;
        }
        var batch = new RpcBatch(elements.Count(IsAnswered));
        _elements ??= new();
        foreach (var element in elements)
            _elements.Enqueue((element, batch));
    }

    // As RequestReader sees it: notifications and replies are not answered.
    static bool IsAnswered(Value element) => RequestReader.Read(element, null, out _, out var fault) is { } request
        ? request.IsResponseExpected
        : fault is not null;

    RpcRequest? Take(Value message, RpcBatch? batch)
    {
        var request = RequestReader.Read(message, batch, out var id, out var fault);
        if (request?.Name == RpcCommands.Cancel)
        {
            Cancel(request);
            if (request.IsResponseExpected)
                Reply(RpcReplies.Result(id, Value.Null), batch, null);
            return null;
        }
        if (request is not null)
        {
            request.DescriptorBatch = Descriptors.Latest;
            fault = underWay.Begin(request);
            if (fault is null)
                return request;
            if (!request.IsResponseExpected)
                return null;
        }
        if (fault is not null)
            Reply(RpcReplies.Error(id, fault), batch, null);
        return null;
    }

    void Cancel(RpcRequest cancel)
    {
        var id = cancel.Named is { } named ? named["id"] : cancel.Positional is [var first, ..] ? first : Value.Null;
        if (RequestIds.TryRead(id, out var cancelled))
            underWay.Cancel(cancelled);
    }

    void Answer(RequestId id, RpcFault fault) => Reply(RpcReplies.Error(id, fault), null, null);

    /// <summary>The library brings the answer to a request.</summary>
    public ValueTask WriteAsync(JsonRpcMessage content, CancellationToken cancellationToken)
    {
        var request = underWay.End(((IJsonRpcMessageWithId)content).RequestId);
        try
        {
            Reply(content, request?.Batch, request);
        }
        finally
        {
            underWay.Answered();
        }
        return default;
    }

    void Reply(JsonRpcMessage reply, RpcBatch? batch, RpcRequest? request)
    {
        if (batch is null)
            ReplyAlone(reply, request);
        else
            ReplyInBatch(reply, batch, request);
        // Answers that are ready while the loop goes through what was received go out together, when it looks for more.
        if (_reading != Environment.CurrentManagedThreadId)
            outbox.Flush();
    }

    void ReplyAlone(JsonRpcMessage reply, RpcRequest? request)
    {
        try
        {
            outbox.Send(reply, HasHeaders == true, request?.ReplyDescriptor);
        }
        catch (Exception bug)
        {
            request?.ReplyDescriptor?.Dispose();
            Apologize(((IJsonRpcMessageWithId)reply).RequestId, bug);
        }
        if (request?.AfterReply is not { } after)
            return;
        outbox.Flush();
        after();
    }

    void ReplyInBatch(JsonRpcMessage reply, RpcBatch batch, RpcRequest? request)
    {
        // A message carries at most one descriptor: a client that wants it does not ask in a batch.
        request?.ReplyDescriptor?.Dispose();
        if (!batch.Add(reply, request?.AfterReply))
            return;
        try
        {
            outbox.Send(batch.Replies, HasHeaders == true);
        }
        catch (Exception bug)
        {
            Apologize(RequestId.Null, bug);
        }
        outbox.Flush();
        batch.Sent();
    }

    void Apologize(RequestId id, Exception bug)
    {
        RpcLog.ReplyBroke(logger, client.Peer.Pid, bug);
        outbox.Send(RpcReplies.Error(id, new(RpcErrorCodes.Internal, QmpErrors.Internal())), HasHeaders == true);
    }
}
