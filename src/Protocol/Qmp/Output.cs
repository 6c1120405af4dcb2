using System.IO.Pipelines;
using HostMemd.Linux;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Qmp;

/// <summary>
/// What goes out to one client: whole messages, one a line, ended with CR LF as QEMU's are. Any thread may write; messages
/// never mix. Nothing here waits for the client.
/// </summary>
public sealed class Output
{
    static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

    readonly Lock _gate = new();
    // Inline: whoever flushes carries the bytes to the socket itself, as far as the socket takes them.
    readonly Pipe _pipe = new(new PipeOptions(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline,
        pauseWriterThreshold: 0, useSynchronizationContext: false));
    readonly ReplyWriter _writer;
    readonly bool _pretty;
    readonly long _limit;
    readonly Queue<(long Position, SafeFileHandle Handle)> _descriptors = new();
    long _sent;
    bool _completed;

    /// <param name="pretty">Indented, for people.</param>
    /// <param name="limit">Pending bytes at which <see cref="Overflowed"/> is called.</param>
    public Output(bool pretty, long limit)
    {
        _pretty = pretty;
        _limit = limit;
        _writer = new(_pipe.Writer);
    }

    /// <summary>Bytes that the socket has not taken yet.</summary>
    public long Pending => _writer.Written - Volatile.Read(ref _sent);

    /// <summary>Takes short replies from whoever flushes; without it all of them go through the reader.</summary>
    public SafeFileHandle? Socket { get; init; }

    /// <summary>Shuts the socket down, so that whatever reads or writes it returns. Any thread, also after it was closed.</summary>
    public void Disconnect()
    {
        try
        {
            if (Socket is not null)
                UnixSocket.Shutdown(Socket);
        }
        catch (ObjectDisposedException)
        {
            // It has ended by itself.
        }
    }

    /// <summary>Called when more is pending than the limit allows: the client has stopped reading.</summary>
    public Action? Overflowed { get; set; }

    // A reply with a descriptor is short: counted in bytes alone, thousands of descriptors would wait for a client that does not read.
    const int DescriptorPause = 64;

    /// <summary>The client reads too slowly to be given more.</summary>
    public bool IsBehind(long bytes)
    {
        lock (_gate)
            return Pending > bytes || _descriptors.Count > DescriptorPause;
    }

    internal PipeReader Reader => _pipe.Reader;

    public void Return(Value value, Value? id, SafeFileHandle? descriptor = null)
    {
        lock (_gate)
        {
            if (_completed)
            {
                descriptor?.Dispose();
                return;
            }
            if (descriptor is not null)
                _descriptors.Enqueue((_writer.Written, descriptor));
            if (_pretty)
            {
                Write(id is { } echoed ? Value.Object(("return", value), ("id", echoed)) : Value.Object(("return", value)));
                return;
            }
            ChooseWay();
            _writer.Raw("{\"return\": "u8);
            JsonWriter.Write(_writer, value);
            if (id is { } echo)
            {
                _writer.Raw(", \"id\": "u8);
                JsonWriter.Write(_writer, echo);
            }
            _writer.Raw("}\r\n"u8);
        }
    }

    public void Error(QmpException error, Value? id)
    {
        var body = Value.Object(("class", Value.From(error.Class.ToString())), ("desc", Value.From(error.Message)));
        Send(id is { } echo ? Value.Object(("id", echo), ("error", body)) : Value.Object(("error", body)));
    }

    /// <summary>A message as it is: the greeting, an event.</summary>
    public void Send(Value message)
    {
        lock (_gate)
        {
            if (!_completed)
                Write(message);
        }
    }

    /// <summary>Hands what was written to the socket.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (_completed)
                return;
            // Completes at once: no threshold pauses this writer.
            if (!SendShortWay())
                _ = _pipe.Writer.FlushAsync();
        }
        if (Pending > _limit)
            Overflowed?.Invoke();
    }

    /// <summary>Nothing more is coming. What was written still goes out.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            if (_completed)
                return;
            _completed = true;
            _writer.TakeLongWay();
            _pipe.Writer.Complete();
        }
    }

    internal void Sent(long bytes) => Volatile.Write(ref _sent, _sent + bytes);

    /// <summary>The descriptor that must go with the next byte, and how many bytes may go before the one after it must.</summary>
    internal SafeFileHandle? NextDescriptor(out long before)
    {
        lock (_gate)
        {
            var due = _descriptors.TryPeek(out var next) && next.Position == _sent ? _descriptors.Dequeue().Handle : null;
            before = _descriptors.TryPeek(out var following) ? following.Position - _sent : long.MaxValue;
            return due;
        }
    }

    internal void DropDescriptors()
    {
        lock (_gate)
        {
            while (_descriptors.TryDequeue(out var next))
                next.Handle.Dispose();
        }
    }

    void Write(Value message)
    {
        ChooseWay();
        JsonWriter.Write(_writer, message, _pretty);
        _writer.Raw(LineEnd);
    }

    /// <summary>Before each message: whether there is one before it, or a descriptor with it, that the reader must send first.</summary>
    void ChooseWay()
    {
        if (_descriptors.Count > 0)
            _writer.TakeLongWay();
        else if (Pending == 0)
            _writer.TakeShortWay();
    }

    /// <summary>False if something is left for the reader, which also finds out what the matter is.</summary>
    bool SendShortWay()
    {
        var lent = _writer.Lent;
        if (lent.IsEmpty)
            return false;
        var sent = 0;
        if (Socket is { } socket)
            _ = FdPassing.Send(socket, lent, null, out sent);
        Sent(sent);
        if (sent < lent.Length)
        {
            _writer.TakeLongWay(sent);
            return false;
        }
        _writer.GiveBack();
        return true;
    }
}
