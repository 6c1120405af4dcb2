using System.Buffers;
using System.IO.Pipelines;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Wire;

/// <summary>A message that goes out, which knows how it is written.</summary>
public interface IOutgoing
{
    void Write(IBufferWriter<byte> to);
}

/// <summary>
/// What goes out to one client: whole messages, and descriptors that go with the first byte of one. Any thread may write; messages never
/// mix.
/// Nothing here waits for the client.
/// </summary>
public class Outbox
{
    readonly Lock _gate = new();
    // Inline: the flushing thread writes the bytes to the socket itself, as far as the socket accepts them.
    readonly Pipe _pipe = new(new PipeOptions(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline,
        pauseWriterThreshold: 0, useSynchronizationContext: false));
    readonly ReplyWriter _writer;
    readonly long _limit;
    readonly Queue<(long Position, SafeFileHandle Handle)> _descriptors = new();
    long _sent;
    bool _completed;

    /// <param name="limit">Pending bytes at which <see cref="Overflowed"/> is called.</param>
    public Outbox(long limit)
    {
        _limit = limit;
        _writer = new(_pipe.Writer);
    }

    /// <summary>Bytes that the socket has not taken yet.</summary>
    public long Pending => _writer.Written - Volatile.Read(ref _sent);

    /// <summary>Takes short replies from the flushing thread; without it all of them go through the reader.</summary>
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

    /// <summary>Writes a message, for the next flush.</summary>
    /// <param name="message">The message.</param>
    /// <param name="descriptor">Goes with its first byte, and is closed then; or when the client is gone.</param>
    public void Send<T>(in T message, SafeFileHandle? descriptor = null) where T : IOutgoing
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
            ChooseWay();
            message.Write(_writer);
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
