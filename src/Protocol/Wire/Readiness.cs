using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HostMemd.Linux;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// Waiting until a descriptor can be read or written: <c>await</c> it, then try. Goes on at the poller's thread, and now and then for
/// nothing. One waits at a time.
/// </summary>
sealed class Readiness : IWatched, ICriticalNotifyCompletion, IDisposable
{
    static readonly Action s_told = static () => { };

    readonly EpollSet _set;
    readonly Lock _changing = new();
    bool _isWatched;
    bool _isDisposed;

    // Null, who waits, or s_told when it became ready and nobody waited.
    Action? _state;

    Readiness(SafeHandle descriptor, EpollSet set, uint events)
    {
        Descriptor = (int)descriptor.DangerousGetHandle();
        _set = set;
        Events = events;
    }

    /// <summary>Of a socket that is read, or accepted from.</summary>
    public static Readiness ToRead(SafeHandle socket) => new(socket, Poller.Reading, EpollSet.EPOLLIN);

    /// <summary>Of a socket that has taken no more.</summary>
    public static Readiness ToWrite(SafeHandle socket) => new(socket, Poller.Writing, EpollSet.EPOLLOUT);

    public int Descriptor { get; }

    public uint Events { get; }

    /// <exception cref="IOException">The kernel watches no more descriptors.</exception>
    public Readiness GetAwaiter()
    {
        // Before anybody waits: whoever goes on may close the descriptor, and its number be another's.
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

    /// <summary>Lets go on whoever waits, or the next who would. Any thread.</summary>
    public void Tell()
    {
        if (Continue())
            return;
        // Ready, and nobody is there to take it: the kernel would tell of it without end.
        Unwatch();
        // Somebody may have begun to wait meanwhile, and relied on being watched.
        Continue();
    }

    /// <summary>Who waited has gone on; who comes next will not wait.</summary>
    bool Continue()
    {
        var waiting = Interlocked.Exchange(ref _state, s_told);
        if (waiting is null || ReferenceEquals(waiting, s_told))
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
