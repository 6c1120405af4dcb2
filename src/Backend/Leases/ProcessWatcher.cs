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
    const int Batch = 64;

    // Between tries after a failure.
    static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    readonly ConcurrentDictionary<long, Action> _ended = new();
    readonly Lock _gate = new();
    Epoll? _epoll;
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
        errno = _epoll!.Add((int)pidfd.DangerousGetHandle(), Epoll.EPOLLIN | Epoll.EPOLLONESHOT, key);
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
            var errno = Epoll.Create(Batch, out var epoll);
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

    void Wait(Epoll epoll)
    {
        while (true)
        {
            var errno = epoll.Wait(-1, out var count);
            if (errno.Failed)
            {
                // The thread must not end: no lease would end any more.
                UnexpectedFailures.Report($"epoll_wait for the ends of processes: {errno}");
                Thread.Sleep(s_pause);
            }
            for (var i = 0; i < count; i++)
            {
                if (_ended.TryRemove(epoll.Data(i), out var ended))
                    ended();
            }
        }
    }
}
