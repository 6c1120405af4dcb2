using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HostMemd.Linux;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// Waiting until a descriptor can be read or written: <c>await</c> it, then try. The waiter resumes on the poller's thread, now and then
/// although nothing is ready. One waiter at a time.
/// </summary>
public sealed class Readiness : IWatched, ICriticalNotifyCompletion, IDisposable
{
    static readonly Action s_signaled = static () => { };

    readonly WatchedSet _set;
    readonly Lock _changing = new();
    bool _isWatched;
    bool _isDisposed;

    // Null, the waiter's continuation, or s_signaled when it became ready without a waiter.
    Action? _state;

    Readiness(SafeHandle descriptor, WatchedSet set, uint events)
    {
        Descriptor = (int)descriptor.DangerousGetHandle();
        _set = set;
        Events = events;
    }

    /// <summary>Of a socket that is read, or accepted from.</summary>
    public static Readiness ToRead(SafeHandle socket) => new(socket, Poller.Reading, Epoll.EPOLLIN);

    /// <summary>Of a socket that has taken no more.</summary>
    public static Readiness ToWrite(SafeHandle socket) => new(socket, Poller.Writing, Epoll.EPOLLOUT);

    public int Descriptor { get; }

    public uint Events { get; }

    /// <exception cref="IOException">The kernel watches no more descriptors.</exception>
    public Readiness GetAwaiter()
    {
        // Before the wait: a waiter that is resumed may close the descriptor, and its number be given to another.
        if (!Volatile.Read(ref _isWatched))
            Watch();
        return this;
    }

    public bool IsCompleted => Volatile.Read(ref _state) is not null;

    public void GetResult() => Volatile.Write(ref _state, null);

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        if (Interlocked.CompareExchange(ref _state, continuation, null) is not null)
            continuation();
    }

    /// <summary>Resumes the waiter, or lets the next await complete at once. Any thread.</summary>
    public void Signal()
    {
        if (Continue())
            return;
        // Ready without a waiter: the kernel would report it without end.
        Unwatch();
        // A waiter may have come meanwhile and relied on being watched.
        Continue();
    }

    /// <returns>False when no one waited: the next await completes at once.</returns>
    bool Continue()
    {
        var waiting = Interlocked.Exchange(ref _state, s_signaled);
        if (waiting is null || ReferenceEquals(waiting, s_signaled))
            return false;
        waiting();
        return true;
    }

    void Watch()
    {
        lock (_changing)
        {
            if (_isWatched || _isDisposed)
                return;
            _set.Add(this);
            _isWatched = true;
        }
    }

    void Unwatch()
    {
        lock (_changing)
        {
            if (!_isWatched)
                return;
            _isWatched = false;
            _set.Remove(this);
        }
    }

    /// <summary>Before the descriptor is closed.</summary>
    public void Dispose()
    {
        lock (_changing)
            _isDisposed = true;
        Unwatch();
    }
}
