using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Wire;

/// <summary>Carries to the socket what it does not take at once, and knows when a client has read enough to be given more.</summary>
/// <param name="socket">The client.</param>
/// <param name="outbox">What goes out.</param>
/// <param name="pause">Pending bytes at which the client is behind.</param>
/// <param name="abort">Ends the connection: what is pending cannot be sent.</param>
public sealed class SocketSender(SafeFileHandle socket, Outbox outbox, long pause, Action abort)
{
    // Only of a client that does not read.
    Readiness? _writable;

    // Set while input waits for the client to read, and released when it has read enough.
    TaskCompletionSource? _drained;
    volatile bool _isOver;

    /// <summary>Completes when the client has read enough to be given more, or is gone.</summary>
    public Task DrainedAsync()
    {
        var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _drained, drained);
        // The sender may have caught up between the test and the line above.
        if (!outbox.IsBehind(pause / 2) || _isOver)
            drained.TrySetResult();
        return drained.Task;
    }

    /// <summary>Carries what is written to the socket until the outbox is complete, or the client is gone.</summary>
    public async Task RunAsync()
    {
        var reader = outbox.Reader;
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync().ConfigureAwait(false);
                foreach (var segment in read.Buffer)
                    await SendSegmentAsync(segment).ConfigureAwait(false);
                reader.AdvanceTo(read.Buffer.End);
                if (!outbox.IsBehind(pause / 2))
                    Volatile.Read(ref _drained)?.TrySetResult();
                if (read.IsCompleted)
                    break;
            }
        }
        catch (IOException)
        {
            // EPIPE, ECONNRESET: the client has left, and there is no peer for the error.
        }
        finally
        {
            if (outbox.Pending > 0)
                abort();
            _isOver = true;
            outbox.Complete();
            outbox.DropDescriptors();
            reader.Complete();
            _writable?.Dispose();
            Volatile.Read(ref _drained)?.TrySetResult();
        }
    }

    async ValueTask SendSegmentAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var descriptor = outbox.NextDescriptor(out var before);
            // Never past the byte that the next descriptor belongs to.
            var piece = bytes[..(int)Math.Min(bytes.Length, before)];
            int sent;
            using (descriptor)
                sent = await SendPieceAsync(piece, descriptor).ConfigureAwait(false);
            outbox.Sent(sent);
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
