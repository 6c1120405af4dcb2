using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol;

/// <summary>
/// Descriptors a client has named with <c>getfd</c>. They are the client's: closed when it leaves. Used with the daemon's state held,
/// except for <see cref="Close"/>.
/// </summary>
public sealed class NamedDescriptors
{
    readonly Lock _gate = new();
    readonly Dictionary<string, SafeFileHandle> _named = new(StringComparer.Ordinal);
    bool _closed;

    /// <summary>Takes the descriptor over; one of the same name is closed, as in QEMU.</summary>
    public void Add(string name, SafeFileHandle handle)
    {
        lock (_gate)
        {
            if (_named.Remove(name, out var old))
                Closing.Elsewhere(old);
            if (_closed)
                Closing.Elsewhere(handle);
            else
                _named.Add(name, handle);
        }
    }

    /// <exception cref="QmpException">There is none of that name.</exception>
    public void Remove(string name)
    {
        lock (_gate)
        {
            if (!_named.Remove(name, out var handle))
                throw QmpErrors.DescriptorNotFound(name);
            Closing.Elsewhere(handle);
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (var handle in _named.Values)
                Closing.Elsewhere(handle);
            _named.Clear();
        }
    }
}
