using System.Collections.Concurrent;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Leases;

/// <summary>
/// Reports when processes end. One thread waits for all of them by their pidfds, so a process killed in any way is noticed at once
/// and one that has got a dead one's number is never taken for it. The thread starts with the first process,
/// or before.
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
        errno = _epoll!.Add((int)pidfd.DangerousGetHandle(), Epoll.EPOLLIN | Epoll.EPOLLONESHOT, key);
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
            var errno = Epoll.Create(Batch, out var epoll);
            if (errno.Failed)
                return errno;
            // Kept only when a thread waits on it: where no thread can be had the next caller tries again.
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
