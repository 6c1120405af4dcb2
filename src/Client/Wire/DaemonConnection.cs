using System.Buffers;
using System.IO.Pipelines;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Client.Wire;

/// <summary>
/// One connection. Requests carry an id that their replies repeat, so a caller that gives up disturbs no other call. Descriptors arrive in
/// the order of the replies that bring them, one with each reply of memdev-map, which assigns each to its reply.
/// </summary>
sealed class DaemonConnection(Transport transport, Dialect dialect) : IDisposable
{
    const int ReadSize = 16 << 10;

    readonly JsonReader _reader = new(new JsonLimits());
    // Inline: the sending thread writes the bytes to the socket itself, as far as the socket accepts them.
    readonly Pipe _output = new(new PipeOptions(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline,
        pauseWriterThreshold: 0, useSynchronizationContext: false));
    readonly Queue<SafeFileHandle?> _descriptors = new();
    readonly TaskCompletionSource<Members> _greeting = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly Lock _gate = new();
    readonly SortedDictionary<long, PendingCall> _pending = [];
    Exception? _end;
    long _lastId;

    /// <summary>The daemon's greeting.</summary>
    public Task<Members> Greeting => _greeting.Task;

    /// <summary>Called with every event in order, from the connection's own loop.</summary>
    public Action<QmpEvent>? EventReceived { get; set; }

    /// <summary>Called once, after the last event; null when this side closed the connection.</summary>
    public Action<Exception?>? Ended { get; set; }

    public void Start()
    {
        _ = SendLoopAsync();
        _ = ReceiveLoopAsync();
    }

    /// <summary>Sends a command and waits for its reply.</summary>
    /// <param name="command">The command.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="outOfBand">Send it as <c>exec-oob</c>.</param>
    /// <param name="takesDescriptor">The reply brings a descriptor.</param>
    /// <param name="unwanted">Called with a reply that comes after the caller has given up.</param>
    /// <param name="cancellation">Ends the wait; and the command, where the protocol can.</param>
    /// <exception cref="QmpException">The daemon refuses.</exception>
    /// <exception cref="IOException">The connection is gone.</exception>
    public async Task<Reply> CallAsync(string command, Members arguments, bool outOfBand, bool takesDescriptor,
        Action<Reply>? unwanted, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var call = new PendingCall(takesDescriptor, unwanted);
        Send(command, arguments, outOfBand, call);
        using var giveUp = cancellation.UnsafeRegister((c, token) => Cancel((PendingCall)c!, token), call);
        return await call.Reply.ConfigureAwait(false);
    }

    /// <summary>Sends a command without waiting for its reply. Never throws.</summary>
    /// <returns>The reply, for a caller that waits for it after all.</returns>
    public Task<Reply> Post(string command, Members arguments)
    {
        var call = new PendingCall(false, null);
        try
        {
            Send(command, arguments, false, call);
        }
        catch (Exception gone) when (gone is IOException or InvalidOperationException)
        {
            call.Fail(gone);
        }
        return call.Reply;
    }

    void Send(string command, Members arguments, bool outOfBand, PendingCall call)
    {
        lock (_gate)
        {
            if (_end is not null)
                throw new IOException("the connection to the daemon is closed", _end);
            var id = ++_lastId;
            call.Id = id;
            _pending.Add(id, call);
            Write(dialect.Request(command, arguments, outOfBand, id));
        }
    }

    // Under the gate.
    void Write(Value message)
    {
        JsonWriter.Write(_output.Writer, message);
        _output.Writer.Write("\n"u8);
        // Completes at once, because no threshold pauses this writer.
        _ = _output.Writer.FlushAsync();
    }

    /// <summary>The caller has given up.</summary>
    void Cancel(PendingCall call, CancellationToken token)
    {
        call.Cancel(token);
        if (dialect.Cancel(call.Id) is not { } cancel)
            return;
        lock (_gate)
        {
            if (_end is null && _pending.ContainsKey(call.Id))
                Write(cancel);
        }
    }

    async Task SendLoopAsync()
    {
        try
        {
            while (true)
            {
                var read = await _output.Reader.ReadAsync().ConfigureAwait(false);
                foreach (var segment in read.Buffer)
                    await transport.SendAsync(segment).ConfigureAwait(false);
                _output.Reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    break;
            }
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException)
        {
            // The receiving loop finds the same failure and reports it.
        }
        await _output.Reader.CompleteAsync().ConfigureAwait(false);
    }

    async Task ReceiveLoopAsync()
    {
        var buffer = new byte[ReadSize];
        Exception? end = null;
        try
        {
            while (true)
            {
                var received = await transport.ReceiveAsync(buffer, _descriptors).ConfigureAwait(false);
                if (received == 0)
                    throw new IOException("the daemon closed the connection");
                Read(new(buffer, 0, received));
            }
        }
        catch (Exception problem)
        {
            end = problem;
        }
        End(end);
    }

    void Read(ReadOnlySequence<byte> bytes)
    {
        while (_reader.TryRead(ref bytes, out var message))
        {
            if (message.Error is { } syntax)
                throw new InvalidDataException($"the daemon sent what is no QMP: {syntax.Message}");
            if (!message.Value.TryObject(out var members))
                throw new InvalidDataException("the daemon sent something else than an object");
            Dispatch(members);
        }
    }

    void Dispatch(Members message)
    {
        var read = dialect.Read(message);
        switch (read.Kind)
        {
            case MessageKind.Result when Take(read.Id) is { } call:
                call.Succeed(new(read.Value, call.TakesDescriptor && _descriptors.TryDequeue(out var descriptor) ? descriptor : null));
                break;
            case MessageKind.Error:
                Take(read.Id)?.Fail(ErrorReply.From(read.Value));
                break;
            case MessageKind.Event when read.Value.TryObject(out var happened):
                EventReceived?.Invoke(QmpEvent.From(read.Name, happened));
                break;
            case MessageKind.Greeting when read.Value.TryObject(out var greeting):
                _greeting.TrySetResult(greeting);
                break;
        }
    }

    PendingCall? Take(long? id)
    {
        lock (_gate)
        {
            // The daemon answers an unreadable request without an id, in its turn.
            return _pending.Remove(id ?? _pending.Keys.FirstOrDefault(), out var call) ? call : null;
        }
    }

    void End(Exception? cause)
    {
        PendingCall[] left;
        bool onPurpose;
        lock (_gate)
        {
            onPurpose = _end is ObjectDisposedException;
            _end ??= cause ?? new IOException("the connection to the daemon is closed");
            left = [.. _pending.Values];
            _pending.Clear();
            _output.Writer.Complete();
        }
        transport.Dispose();
        while (_descriptors.TryDequeue(out var descriptor))
            descriptor?.Dispose();
        foreach (var call in left)
            call.Fail(new IOException("the connection to the daemon ended before the reply", _end));
        if (_greeting.TrySetException(new IOException("the daemon sent no greeting", _end)))
            _ = _greeting.Task.Exception;
        Ended?.Invoke(onPurpose ? null : _end);
    }

    public void Dispose()
    {
        lock (_gate)
            _end ??= new ObjectDisposedException(nameof(HostMemdClient));
        // The receiving loop wakes up and releases everything.
        transport.Dispose();
    }
}
