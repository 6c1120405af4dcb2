using System.Buffers;
using HostMemd.Linux;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi.Json;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Qmp;

/// <summary>
/// The socket of one client. Two loops: one brings bytes in and hands messages to the session, one carries out what the socket does not
/// take at once. Input is left alone while the session is busy or the client does not read its replies, so nothing grows without bound.
/// </summary>
/// <param name="socket">The client.</param>
/// <param name="session">The requests and replies.</param>
/// <param name="output">The bytes on their way to the client.</param>
/// <param name="limits">The limits on what the client sends and leaves unread.</param>
/// <param name="unfinished">Called after each read with the bytes of the request that has begun to come in and has not ended.</param>
public sealed class Connection(SafeFileHandle socket, Session session, Output output, WireLimits limits, Action<Client, long> unfinished)
{
    // A client that always has more to read is put behind the others after so much, 64 short reads or four full ones: they share its thread,
    // and either takes about half a millisecond.
    const int TurnBytes = 64 << 10;
    const int LeastRead = 1 << 10;

    readonly SocketReceiver _receiver = new(socket, session.Descriptors, session.Closing);

    readonly JsonReader _reader = new(new JsonLimits { RequestBytes = limits.RequestBytes });

    readonly Readiness _readable = Readiness.ToRead(socket);
    SocketSender? _sender;

    /// <summary>
    /// Serves the client until it leaves, <c>quit</c> ends its session, or <paramref name="stop"/> asks for an end after what was received.
    /// Closes the socket.
    /// </summary>
    public async Task RunAsync(CancellationToken stop)
    {
        output.Overflowed = session.Abort;
        _sender = new(socket, output, limits.OutputPause, session.Abort);
        var sending = _sender.RunAsync();
        try
        {
            await ReceiveAsync(stop).ConfigureAwait(false);
            await session.Idle.ConfigureAwait(false);
        }
        finally
        {
            unfinished(session, 0);
            session.Descriptors.Close();
            session.Named.Close();
            output.Flush();
            output.Complete();
            await sending.ConfigureAwait(false);
            _readable.Dispose();
            // Until then it counts, so that a client cannot have more sockets that hang than it may have connections.
            await Closing.SocketAsync(socket).ConfigureAwait(false);
        }
    }

    async Task ReceiveAsync(CancellationToken stop)
    {
        using var stopping = stop.UnsafeRegister(static r => ((Readiness)r!).Signal(), _readable);
        var turn = 0;
        // A read that left room has most likely emptied the socket. Not asking again makes a round trip between two CPUs 31 us instead of 37,
        // and 139,000 answers a second to 100 clients instead of 125,000. (On one CPU they would have sent again by then: 88,000, not 115,000.)
        var drained = false;
        while (!session.IsEnding && !session.IsGone)
        {
            byte[] buffer = [];
            var received = 0;
            var errno = drained ? Errno.EAGAIN : _receiver.Receive(out buffer, out received);
            if (errno == SocketReceiver.HasDescriptors)
            {
                turn = 0;
                if (!_receiver.TryPromise())
                {
                    await _receiver.RoomAsync(stop).ConfigureAwait(false);
                    // A client that is to end does so without the answers to what it sent too fast.
                    if (IsGone() || stop.IsCancellationRequested)
                        return;
                    continue;
                }
                (errno, buffer, received) = await _receiver.ReceivePromisedAsync().ConfigureAwait(false);
            }
            if (errno == Errno.EAGAIN)
            {
                if (stop.IsCancellationRequested)
                {
                    // What came since that read is still answered.
                    if (!drained)
                        return;
                }
                else
                {
                    // What has come meanwhile is still of the same turn.
                    if (!_readable.IsCompleted)
                        turn = 0;
                    await _readable;
                }
                drained = false;
                continue;
            }
            if (received == 0)
            {
                // End of input. A client that only half-closed still wants its answers.
                if (errno.Failed || IsGone())
                    session.IsGone = true;
                return;
            }
            await ProcessAsync(new(buffer, 0, received)).ConfigureAwait(false);
            ArrayPool<byte>.Shared.Return(buffer);
            output.Flush();
            drained = received < SocketReceiver.ReadSize;
            // Of a request that goes on and on, one read at a time: what it costs to parse is not known before.
            if (_reader.PendingBytes == 0 && (turn += Math.Max(received, LeastRead)) < TurnBytes)
                continue;
            await new BackOfTheQueue();
            turn = 0;
        }
    }

    async ValueTask ProcessAsync(ReadOnlySequence<byte> input)
    {
        while (!session.IsEnding && _reader.TryRead(ref input, out var message))
        {
            var done = session.ReceiveAsync(message);
            if (done.IsCompletedSuccessfully && !output.IsBehind(limits.OutputPause))
            {
                // Answered, unless it waits in the queue of a client that enabled oob.
                if (!session.OutOfBandEnabled)
                    JsonReader.Recycle(message.Value);
                continue;
            }
            await done.ConfigureAwait(false);
            output.Flush();
            if (output.IsBehind(limits.OutputPause))
                await _sender!.DrainedAsync().ConfigureAwait(false);
            // Time has passed: a client that left meanwhile has its further commands dropped, as QEMU does.
            if (IsGone())
                break;
        }
        unfinished(session, _reader.PendingBytes);
    }

    bool IsGone()
    {
        // A kernel that does not answer has not said that the client is gone.
        if (UnixSocket.IsHungUp(socket, out var gone).Ok && gone)
            session.IsGone = true;
        return session.IsGone;
    }
}
