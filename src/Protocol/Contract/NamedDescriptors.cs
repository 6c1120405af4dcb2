using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Contract;

/// <summary>
/// The descriptors that a client has named with <c>getfd</c>. They are closed when the client leaves. Callers hold the daemon's state,
/// except for <see cref="Close()"/>.
/// </summary>
public sealed class NamedDescriptors
{
    static int s_count;

    readonly Lock _gate = new();
    readonly Dictionary<string, SafeFileHandle> _named = new(StringComparer.Ordinal);
    bool _closed;

    /// <summary>The number of named descriptors of all clients.</summary>
    public static int Count => Volatile.Read(ref s_count);

    /// <summary>Takes the descriptor over, and closes one that had the same name, as QEMU does.</summary>
    public void Add(string name, SafeFileHandle handle)
    {
        lock (_gate)
        {
            if (_named.Remove(name, out var old))
                Close(old);
            if (_closed)
                Closing.InBackground(handle);
            else
            {
                _named.Add(name, handle);
                Interlocked.Increment(ref s_count);
            }
        }
    }

    /// <exception cref="QmpException">No descriptor has that name.</exception>
    public void Remove(string name)
    {
        lock (_gate)
        {
            if (!_named.Remove(name, out var handle))
                throw QmpErrors.DescriptorNotFound(name);
            Close(handle);
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (var handle in _named.Values)
                Close(handle);
            _named.Clear();
        }
    }

    static void Close(SafeFileHandle named)
    {
        Interlocked.Decrement(ref s_count);
        Closing.InBackground(named);
    }
}
