using System.Collections.Concurrent;
using HostMemd.Backend.Threads;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Leases;

/// <summary>
/// Reports the ends of processes. One thread waits for all of them by their pidfds: any end is noticed at once, and a process that has
/// got the pid of a dead one is never taken for it. The thread starts with the first process, or before.
/// </summary>
sealed class ProcessWatcher
{
    const int StackBytes = 128 << 10;

    readonly ConcurrentDictionary<long, Action> _ended = new();
    readonly Lock _gate = new();
    SafeFileHandle? _epoll;
    long _next;

    /// <summary>Calls <paramref name="ended"/> once, on the watcher's thread, when the process has ended.</summary>
    /// <param name="pidfd">The process. The descriptor stays the caller's, who keeps it open until then.</param>
    /// <param name="ended">Called then.</param>
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

    /// <summary>Starts the thread, so that the first process to watch needs no new one.</summary>
    /// <returns>EAGAIN: the kernel grants no thread.</returns>
    public Errno Start()
    {
        lock (_gate)
        {
            if (_epoll is not null)
                return Errno.None;
            var errno = Epoll.Create(out var epoll);
            if (errno.Failed)
                return errno;
            // The epoll is kept once a thread waits on it: if the kernel grants none, the next call tries again.
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
