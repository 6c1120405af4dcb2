using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// The descriptors that a client has sent and no command has taken. They come in batches, one for each read that carried any. A message
/// belongs to the latest batch that had arrived when the message was complete. As in QEMU a batch that was not taken is closed when a
/// message of a later batch is executed, so a client cannot pile descriptors up.
/// </summary>
/// <param name="close">Closes descriptors that no command takes; without it they are closed at once.</param>
public sealed class ReceivedDescriptors(Action<SafeFileHandle>? close = null)
{
    readonly Action<SafeFileHandle> _close = close ?? (static handle => handle.Dispose());
    readonly Lock _gate = new();
    readonly Queue<(long Batch, SafeFileHandle Handle)> _waiting = new();
    bool _closed;

    /// <summary>
    /// Descriptors with a higher number are closed at once; -1 closes all. The kernel assigns the lowest free number, so the numbers above
    /// stay free for the daemon itself, whatever clients send.
    /// </summary>
    public long Highest { get; set; } = long.MaxValue;

    /// <summary>The number of the latest batch.</summary>
    public long Latest { get; private set; }

    /// <summary>Takes over the descriptors of one receive.</summary>
    public void Add(ReadOnlySpan<SafeFileHandle> handles)
    {
        lock (_gate)
        {
            Latest++;
            foreach (var handle in handles)
            {
                if (_closed || handle.DangerousGetHandle() > Highest)
                    _close(handle);
                else
                    _waiting.Enqueue((Latest, handle));
            }
        }
    }

    /// <summary>The first descriptor of that batch, or null. Older batches are closed.</summary>
    /// <remarks>As in QEMU a command has one descriptor: the others of the batch are closed.</remarks>
    public SafeFileHandle? Take(long batch)
    {
        lock (_gate)
        {
            DropBefore(batch);
            var taken = _waiting.TryPeek(out var next) && next.Batch == batch ? _waiting.Dequeue().Handle : null;
            DropBefore(batch + 1);
            return taken;
        }
    }

    /// <summary>The descriptor that has waited longest, or null. For streams in which every descriptor has its place.</summary>
    public SafeFileHandle? TakeOldest()
    {
        lock (_gate)
            return _waiting.TryDequeue(out var oldest) ? oldest.Handle : null;
    }

    /// <summary>Closes all batches before that one.</summary>
    public void Forget(long batch)
    {
        if (_waiting.Count == 0)
            return;
        lock (_gate)
            DropBefore(batch);
    }

    /// <summary>Closes all, now and in future: the client has left.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            DropBefore(long.MaxValue);
        }
    }

    void DropBefore(long batch)
    {
        while (_waiting.TryPeek(out var oldest) && oldest.Batch < batch)
            _close(_waiting.Dequeue().Handle);
    }
}
