using System.Buffers;
using System.Diagnostics;
using System.Net.Sockets;
using HostMemd.Protocol.Json;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// The socket of one client. Two loops: one brings bytes in and hands messages to the session, one carries replies out. Input
/// is left alone while the session is busy or the client does not read its replies, so nothing grows without bound.
/// </summary>
/// <param name="socket">The client.</param>
/// <param name="session">What it says.</param>
/// <param name="output">What it is told.</param>
/// <param name="limits">What it can run into.</param>
/// <param name="unfinished">Told by how many bytes the part of a request that has come in, without its end, has grown or shrunk.</param>
public sealed class Connection(Socket socket, Session session, Output output, WireLimits limits, Action<Connection, long> unfinished)
{
    // One read: many commands in a batch, and still small for each of thousands of idle clients.
    const int ReadSize = 16 << 10;

    // A client that always has more to read is put behind the others after so many reads: they may share its thread. On one CPU, where each
    // answer lets the client send again, a few of 1,000 were answered in 13 us while others waited 51 ms; with turns p99 is 16 to 24, and
    // with 100 clients 1.4 instead of 5.8. Each end of a turn takes 10 us, which 16 reads make one client's p99 (bench/load, 2026-11-21).
    const int TurnReads = 64;

    // A client that has just come negotiates and asks within this time, even when its CPU has to be woken first.
    static readonly long s_opening = Stopwatch.Frequency * 50 / 1_000_000;

    readonly JsonReader _reader = new(new JsonLimits { RequestBytes = limits.RequestBytes });

    long _unfinished;

    // Set while the sender waits for the client to read, and released when it has read enough.
    TaskCompletionSource? _drained;

    readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Session Session => session;

    /// <summary>Bytes of the request that has begun to come in and has not ended.</summary>
    public long UnfinishedBytes => session.IsGone ? 0 : Volatile.Read(ref _unfinished);

    /// <summary>Completes when the client is gone and its socket closed.</summary>
    public Task Finished => _finished.Task;

    /// <summary>Serves the client until it leaves, is told to, or <paramref name="stop"/> asks for an end after what was received.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        output.Overflowed = Abort;
        // The greeting is on its way.
        var sending = SendAsync();
        // Away from whoever accepts: what the client sent with its connect may take long to answer.
        await Task.Yield();
        try
        {
            await ReceiveAsync(stop).ConfigureAwait(false);
            await session.Idle.ConfigureAwait(false);
        }
        finally
        {
            Account(0);
            session.Descriptors.Close();
            session.Named.Close();
            output.Flush();
            output.Complete();
            await sending.ConfigureAwait(false);
            socket.Dispose();
            _finished.SetResult();
        }
    }

    /// <summary>Ends the connection now, without regard to what is under way.</summary>
    public void Abort()
    {
        session.IsGone = true;
        try
        {
            // Whoever waits for the client sees its end, where closing would make them throw: 3.3 s of CPU instead of 3.9 while 5,000 come
            // and are thrown out (tests/company --only crowd).
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            socket.Dispose();
        }
    }

    async Task ReceiveAsync(CancellationToken stop)
    {
        var reads = 0;
        // A read that left room has emptied the socket: not asking again saves a call in five. On two CPUs 100 clients get 150,000 answers a
        // second instead of 127,000, 1,000 clients 92,000 instead of 88,000.
        var drained = false;
        // Until the first wait.
        var expected = Stopwatch.GetTimestamp() + s_opening;
        while (!session.IsEnding && !session.IsGone)
        {
            int received;
            byte[] buffer = [];
            try
            {
                received = drained ? -FdPassing.EAGAIN : Receive(out buffer);
                if (received == -FdPassing.EAGAIN)
                {
                    // What came since that read is still answered.
                    if (stop.IsCancellationRequested && !drained)
                        return;
                    drained = false;
                    if (IsExpectedBy(expected))
                        continue;
                    // Zero bytes: only waits. The bytes are taken by recvmsg, which keeps the descriptors.
                    var waiting = socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, stop);
                    // What has come meanwhile is still of the same turn.
                    if (!waiting.IsCompleted)
                        reads = 0;
                    expected = 0;
                    await waiting.ConfigureAwait(false);
                    continue;
                }
            }
            catch (Exception end) when (end is SocketException or ObjectDisposedException)
            {
                session.IsGone = true;
                return;
            }
            catch (OperationCanceledException)
            {
                // Told to stop: what the client had sent by now is still answered.
                continue;
            }
            if (received <= 0)
            {
                // End of input. A client that only half-closed still wants its answers.
                if (received < 0 || IsGone())
                    session.IsGone = true;
                return;
            }
            await ProcessAsync(new(buffer, 0, received)).ConfigureAwait(false);
            ArrayPool<byte>.Shared.Return(buffer);
            output.Flush();
            drained = expected == 0 && received < ReadSize;
            if (expected != 0)
                expected = Stopwatch.GetTimestamp() + s_opening;
            // Of a request that goes on and on, one read at a time: what it costs to parse is not known before.
            if (_unfinished == 0 && ++reads < TurnReads)
                continue;
            await new BackOfTheQueue();
            reads = 0;
        }
    }

    // Only what has come is held, and only until it is answered: a client that is silent has 4 KiB of the heap instead of 24, and thousands
    // that speak in turns use the same few buffers.
    int Receive(out byte[] buffer)
    {
        buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        var received = FdPassing.Receive(socket.SafeHandle, buffer.AsSpan(0, ReadSize), session.Descriptors);
        if (received <= 0)
            ArrayPool<byte>.Shared.Return(buffer);
        return received;
    }

    // Looking again for a moment while nobody else needs the thread spares the opening of a connection two or three waits, and many
    // connections all of them: 11,300 instead of 8,200 a second with the client on another CPU.
    static bool IsExpectedBy(long time)
    {
        if (Stopwatch.GetTimestamp() >= time || ThreadPool.PendingWorkItemCount > 0)
            return false;
        Thread.Yield();
        return true;
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
        Account(_reader.PendingBytes);
    }

    void Account(long bytes)
    {
        var change = bytes - _unfinished;
        if (change == 0)
            return;
        Volatile.Write(ref _unfinished, bytes);
        unfinished(this, change);
    }

    bool IsGone()
    {
        if (!session.IsGone)
        {
            try
            {
                session.IsGone = FdPassing.IsHungUp(socket.SafeHandle);
            }
            catch (ObjectDisposedException)
            {
                session.IsGone = true;
            }
        }
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
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // EPIPE, ECONNRESET: nobody is there to be told.
        }
        finally
        {
            if (output.Pending > 0)
                Abort();
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

    async ValueTask<int> SendPieceAsync(ReadOnlyMemory<byte> bytes, Microsoft.Win32.SafeHandles.SafeFileHandle? descriptor)
    {
        for (var pause = 1; ; pause = Math.Min(pause * 2, 100))
        {
            // .NET's own send makes an exception with a stack trace of each client that has left: 0.17 ms of CPU a client instead of 0.08.
            var sent = FdPassing.Send(socket.SafeHandle, bytes.Span, descriptor);
            if (sent > 0)
                return sent;
            if (sent != -FdPassing.EAGAIN)
                throw new SocketException(-sent);
            if (descriptor is null)
                return await socket.SendAsync(bytes, SocketFlags.None).ConfigureAwait(false);
            // There is no way to wait for room without sending; a client that does not read is in no hurry.
            await Task.Delay(pause).ConfigureAwait(false);
        }
    }
}
