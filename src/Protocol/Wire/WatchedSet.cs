using HostMemd.Linux;

namespace HostMemd.Protocol.Wire;

/// <summary>Notified when its descriptor is ready.</summary>
interface IWatched
{
    int Descriptor { get; }

    /// <summary>EPOLLIN or EPOLLOUT of epoll_ctl(2); the end of the other side is reported with either.</summary>
    uint Events { get; }

    /// <summary>The descriptor is ready, or was: a signal too many must do no harm. Called on the thread that waits.</summary>
    void Signal();
}

/// <summary>
/// Watched descriptors, level-triggered: each wait reports a descriptor for as long as it is ready. One set can be watched by another.
/// </summary>
sealed class WatchedSet : IWatched, IDisposable
{
    // Under load one epoll_wait for each event would be half the work.
    const int Batch = 256;

    readonly Epoll _epoll;
    readonly Lock _changing = new();
    // By number of the descriptor.
    IWatched?[] _watched = new IWatched?[64];

    /// <exception cref="IOException">No descriptor is left.</exception>
    public WatchedSet()
    {
        var errno = Epoll.Create(Batch, out var epoll);
        _epoll = errno.Ok ? epoll! : throw errno.AsException("epoll_create1");
    }

    public int Descriptor => _epoll.Descriptor;

    public uint Events => Epoll.EPOLLIN;

    /// <exception cref="IOException">epoll_ctl(2) failed: no memory, or too many are watched.</exception>
    public void Add(IWatched watched)
    {
        var descriptor = watched.Descriptor;
        lock (_changing)
        {
            if (descriptor >= _watched.Length)
            {
                var more = new IWatched?[Math.Max(descriptor + 1, 2 * _watched.Length)];
                _watched.CopyTo(more, 0);
                // The waiting thread reads this without the lock.
                Volatile.Write(ref _watched, more);
            }
            // Before the kernel can report it.
            _watched[descriptor] = watched;
            var errno = _epoll.Add(descriptor, watched.Events, descriptor);
            if (errno.Ok)
                return;
            _watched[descriptor] = null;
            throw errno.AsException("epoll_ctl");
        }
    }

    /// <summary>Stops watching. An event that <see cref="Wait"/> has already returned is still delivered.</summary>
    public void Remove(IWatched watched)
    {
        lock (_changing)
        {
            _watched[watched.Descriptor] = null;
            _ = _epoll.Remove(watched.Descriptor);
        }
    }

    /// <summary>Waits until a descriptor is ready. One thread only.</summary>
    /// <param name="milliseconds">-1 waits without end, 0 does not wait.</param>
    /// <param name="count">How many are ready, for <see cref="Signal(int)"/>.</param>
    /// <returns>epoll_wait(2)'s error.</returns>
    public Errno Wait(int milliseconds, out int count) => _epoll.Wait(milliseconds, out count);

    /// <summary>Signals those that <see cref="Wait"/> has found.</summary>
    public void Signal(int count)
    {
        var watched = Volatile.Read(ref _watched);
        for (var i = 0; i < count; i++)
        {
            var descriptor = (int)_epoll.Data(i);
            // The number may belong to another descriptor by now.
            if (watched[descriptor] is { } ready)
                ready.Signal();
            else
                RemoveAgain(descriptor);
        }
    }

    // A watch that the kernel did not end would be reported without end.
    void RemoveAgain(int descriptor)
    {
        lock (_changing)
        {
            if (_watched[descriptor] is null)
                _ = _epoll.Remove(descriptor);
        }
    }

    void IWatched.Signal()
    {
        // After a failure the outer wait reports this set again.
        if (Wait(0, out var count).Ok)
            Signal(count);
    }

    public void Dispose() => _epoll.Dispose();
}
