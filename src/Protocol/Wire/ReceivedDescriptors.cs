using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// The descriptors a client sent, until a command takes them. They come in batches, one for each piece of input that carried
/// any; a message belongs to the latest batch that had arrived when it was complete. As in QEMU a batch that nobody took is
/// closed once a message of a later one is executed, so a client cannot pile descriptors up.
/// </summary>
/// <param name="close">Closes those that nobody takes; at once, if absent.</param>
public sealed class ReceivedDescriptors(Action<SafeFileHandle>? close = null)
{
    readonly Action<SafeFileHandle> _close = close ?? (static handle => handle.Dispose());
    readonly Lock _gate = new();
    readonly Queue<(long Batch, SafeFileHandle Handle)> _waiting = new();
    bool _closed;

    /// <summary>
    /// What has a higher number is closed at once; -1: everything is. The kernel gives the lowest free number, so what lies above stays
    /// free for the daemon itself, whatever clients send.
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

    /// <summary>The next descriptor of that batch, or null. Older ones are closed.</summary>
    /// <remarks>As in QEMU what came with it is closed: a command has one descriptor.</remarks>
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

    /// <summary>The one that has waited longest, or null; for streams in which every descriptor has its place.</summary>
    public SafeFileHandle? TakeOldest()
    {
        lock (_gate)
            return _waiting.TryDequeue(out var oldest) ? oldest.Handle : null;
    }

    /// <summary>Closes what came before that batch.</summary>
    public void Forget(long batch)
    {
        if (_waiting.Count == 0)
            return;
        lock (_gate)
            DropBefore(batch);
    }

    /// <summary>Closes all, also those that are still to come: the client is gone.</summary>
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
