using System.Collections.Concurrent;
using HostMemd.Backend.Threads;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Leases;

/// <summary>
/// Tells when processes end. One thread waits for all of them by their pidfds, so a process killed in any way is noticed at once
/// and one that has got a dead one's number is never taken for it. The thread starts with the first process,
/// or before.
/// </summary>
sealed class ProcessWatcher
{
    const int StackBytes = 128 << 10;

    readonly ConcurrentDictionary<long, Action> _ended = new();
    readonly Lock _gate = new();
    SafeFileHandle? _epoll;
    long _next;

    /// <summary>Calls <paramref name="ended"/> once, on the watcher's thread, when the process is gone.</summary>
    /// <param name="pidfd">Stays the caller's, who keeps it open until then.</param>
    /// <param name="ended">What to do then.</param>
    public Errno Watch(SafeFileHandle pidfd, Action ended)
    {
        var errno = Start();
        if (errno.Failed)
            return errno;
        var key = Interlocked.Increment(ref _next);
        _ended[key] = ended;
        errno = Epoll.Watch(_epoll!, pidfd, key);
        if (errno.Failed)
            _ended.TryRemove(key, out _);
        return errno;
    }

    /// <summary>Starts the thread, so that it need not be had when the first process comes.</summary>
    /// <returns>EAGAIN: no thread can be had.</returns>
    public Errno Start()
    {
        lock (_gate)
        {
            if (_epoll is not null)
                return Errno.None;
            var errno = Epoll.Create(out var epoll);
            if (errno.Failed)
                return errno;
            // Kept when somebody waits on it, not before: where no thread can be had the next one who asks tries again.
            if (!OwnThread.TryStart("hostmemd-pidfd", () => Wait(epoll!), StackBytes))
            {
                epoll!.Dispose();
                return Errno.EAGAIN;
            }
            _epoll = epoll;
            return errno;
        }
    }

    void Wait(SafeFileHandle epoll)
    {
        Span<long> ready = stackalloc long[64];
        while (Epoll.Wait(epoll, ready, out var count).Ok)
        {
            foreach (var key in ready[..count])
            {
                if (_ended.TryRemove(key, out var ended))
                    ended();
            }
        }
    }
}
