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
/// <param name="session">What it says.</param>
/// <param name="output">What it is told.</param>
/// <param name="limits">What it can run into.</param>
/// <param name="unfinished">Called after each read with the bytes of the request that has begun to come in and has not ended.</param>
public sealed class Connection(SafeFileHandle socket, Session session, Output output, WireLimits limits, Action<Client, long> unfinished)
{
    // One read: many commands in a batch, and still small for each of thousands of idle clients.
    const int ReadSize = 16 << 10;

    // A client that always has more to read is put behind the others after so much, 64 short reads or four full ones: they share its thread,
    // and either takes about half a millisecond.
    const int TurnBytes = 64 << 10;
    const int LeastRead = 1 << 10;

    // Of a receive: descriptors are to come, and there may be no room for them. The kernel has no such errno.
    static readonly Errno s_hasDescriptors = new(int.MaxValue);
    static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(500);

    // One delegate for all receives.
    readonly DescriptorsReceived _arrived = session.Descriptors.Add;

    readonly JsonReader _reader = new(new JsonLimits { RequestBytes = limits.RequestBytes });

    readonly Readiness _readable = Readiness.ToRead(socket);
    // Only of a client that does not read.
    Readiness? _writable;

    // Set while the sender waits for the client to read, and released when it has read enough.
    TaskCompletionSource? _drained;

    /// <summary>
    /// Serves the client until it leaves, <c>quit</c> ends its session, or <paramref name="stop"/> asks for an end after what was received.
    /// Closes the socket.
    /// </summary>
    public async Task RunAsync(CancellationToken stop)
    {
        output.Overflowed = session.Abort;
        var sending = SendAsync();
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
            _writable?.Dispose();
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
            var errno = drained ? Errno.EAGAIN : Receive(out buffer, out received);
            if (errno == s_hasDescriptors)
            {
                turn = 0;
                if (!session.Closing.TryPromise(Closing.PerReceive))
                {
                    await RoomAsync(stop).ConfigureAwait(false);
                    // Told to end, it does so without what it sent too fast.
                    if (IsGone() || stop.IsCancellationRequested)
                        return;
                    continue;
                }
                buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
                (errno, received) = await ReceivePromisedAsync(buffer).ConfigureAwait(false);
                if (received == 0)
                    ArrayPool<byte>.Shared.Return(buffer);
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
            drained = received < ReadSize;
            // Of a request that goes on and on, one read at a time: what it costs to parse is not known before.
            if (_reader.PendingBytes == 0 && (turn += Math.Max(received, LeastRead)) < TurnBytes)
                continue;
            await new BackOfTheQueue();
            turn = 0;
        }
    }

    // Only what has come is held, and only until it is answered: a client that is silent has 4 KiB of the heap instead of 24, and thousands
    // that speak in turns use the same few buffers.
    Errno Receive(out byte[] buffer, out int received)
    {
        buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        var errno = Receive(buffer.AsSpan(0, ReadSize), out received);
        if (received == 0)
            ArrayPool<byte>.Shared.Return(buffer);
        return errno;
    }

    Errno Receive(Span<byte> bytes, out int received)
    {
        if (Closing.PerReceive == FdPassing.MaxDescriptors && session.Closing.TryPromise(FdPassing.MaxDescriptors))
            return ReceivePromised(bytes, FdPassing.MaxDescriptors, out received);
        // There is no room for all the descriptors that a message can have, but for bytes there is.
        received = 0;
        var errno = FdPassing.Peek(socket, bytes, out var seen, out var hasDescriptors);
        if (hasDescriptors)
            return s_hasDescriptors;
        return seen == 0 ? errno : FdPassing.Receive(socket, bytes[..seen], _arrived, 0, out received, out _);
    }

    Errno ReceivePromised(Span<byte> bytes, int most, out int received)
    {
        var errno = FdPassing.Receive(socket, bytes, _arrived, most, out received, out _);
        session.Closing.Return(most);
        return errno;
    }

    // The kernel closes descriptors for which there is no room on the thread that receives, and a close can hang.
    Task<(Errno Errno, int Received)> ReceivePromisedAsync(byte[] buffer)
    {
        var most = Closing.PerReceive;
        // Not Task.RunSynchronously: on a stack as small as the closers' it gives the work to the pool.
        var received = new TaskCompletionSource<(Errno, int)>(TaskCreationOptions.RunContinuationsAsynchronously);
        Closers.Run(() =>
        {
            try
            {
                var errno = ReceivePromised(buffer.AsSpan(0, ReadSize), most, out var bytes);
                received.SetResult((errno, bytes));
            }
            catch (Exception failure)
            {
                received.SetException(failure);
            }
        });
        return received.Task;
    }

    // Close(2) may hang for ever: that the client has left, or is told to, is looked for now and then.
    async Task RoomAsync(CancellationToken stop)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await Task.WhenAny(session.Closing.RoomAsync(), Task.Delay(s_look, waiting.Token)).ConfigureAwait(false);
        await waiting.CancelAsync().ConfigureAwait(false);
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
                await DrainedAsync().ConfigureAwait(false);
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

    Task DrainedAsync()
    {
        var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _drained, drained);
        // The sender may have caught up between the test and the line above.
        if (!output.IsBehind(limits.OutputPause / 2) || session.IsGone)
            drained.TrySetResult();
        return drained.Task;
    }

    async Task SendAsync()
    {
        var reader = output.Reader;
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync().ConfigureAwait(false);
                foreach (var segment in read.Buffer)
                    await SendSegmentAsync(segment).ConfigureAwait(false);
                reader.AdvanceTo(read.Buffer.End);
                if (!output.IsBehind(limits.OutputPause / 2))
                    Volatile.Read(ref _drained)?.TrySetResult();
                if (read.IsCompleted)
                    break;
            }
        }
        catch (IOException)
        {
            // EPIPE, ECONNRESET: nobody is there to be told.
        }
        finally
        {
            if (output.Pending > 0)
                session.Abort();
            output.Complete();
            output.DropDescriptors();
            reader.Complete();
            Volatile.Read(ref _drained)?.TrySetResult();
        }
    }

    async ValueTask SendSegmentAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var descriptor = output.NextDescriptor(out var before);
            // Never past the byte that the next descriptor belongs to.
            var piece = bytes[..(int)Math.Min(bytes.Length, before)];
            int sent;
            using (descriptor)
                sent = await SendPieceAsync(piece, descriptor).ConfigureAwait(false);
            output.Sent(sent);
            bytes = bytes[sent..];
        }
    }

    async ValueTask<int> SendPieceAsync(ReadOnlyMemory<byte> bytes, SafeFileHandle? descriptor)
    {
        while (true)
        {
            var errno = FdPassing.Send(socket, bytes.Span, descriptor, out var sent);
            if (errno.Ok)
                return sent;
            if (errno != Errno.EAGAIN)
                throw errno.AsException("sendmsg");
            await (_writable ??= Readiness.ToWrite(socket));
        }
    }
}
