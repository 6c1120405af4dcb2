using System.IO.Pipelines;
using HostMemd.Protocol.Json;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Wire;

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
    readonly CountingWriter _writer;
    readonly bool _pretty;
    readonly long _limit;
    readonly Queue<(long Position, SafeFileHandle Handle)> _descriptors = new();
    long _written, _sent;
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
    public long Pending => Volatile.Read(ref _written) - Volatile.Read(ref _sent);

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
                _descriptors.Enqueue((_written, descriptor));
            if (_pretty)
            {
                WriteMessage(id is { } echoed ? Value.Object(("return", value), ("id", echoed)) : Value.Object(("return", value)));
                return;
            }
            var writer = _writer;
            var before = writer.Count;
            writer.Raw("{\"return\": "u8);
            JsonWriter.Write(writer, value);
            if (id is { } echo)
            {
                writer.Raw(", \"id\": "u8);
                JsonWriter.Write(writer, echo);
            }
            writer.Raw("}\r\n"u8);
            Volatile.Write(ref _written, _written + writer.Count - before);
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
                WriteMessage(message);
        }
    }

    /// <summary>Hands what was written to the socket.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            // Completes at once: no threshold pauses this writer.
            if (!_completed)
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

    void WriteMessage(Value message)
    {
        var before = _writer.Count;
        JsonWriter.Write(_writer, message, _pretty);
        _writer.Raw(LineEnd);
        Volatile.Write(ref _written, _written + _writer.Count - before);
    }
}
