using System.Diagnostics;
using HostMemd.Linux;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// The thread that waits for all clients. Whoever waits for one goes on there, so that a short command is answered without another thread
/// being woken. Why one, and not .NET's own: docs/decisions/0006.
/// </summary>
sealed class Poller
{
    // While one client is in quick conversation, its next command is looked for this long before the thread sleeps: to wake a CPU takes
    // most
    // of a round trip between two. 30 us instead of 51, and with a client that polls as well 20 instead of 59 (bench/load, 2026-11-21).
    static readonly long s_pingPong = Stopwatch.Frequency * 100 / 1_000_000;

    // Looking in vain may have kept that very client from its CPU; so it is not done again at once.
    static readonly long s_backoff = Stopwatch.Frequency * 10 / 1_000;

    // Between tries after a failure.
    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    static readonly Lock s_starting = new();
    static Poller? s_only;

    readonly WatchedSet _reading;
    readonly WatchedSet _writing;
    bool _isPingPong;
    long _notBefore;

    Poller(WatchedSet reading, WatchedSet writing)
    {
        _reading = reading;
        _writing = writing;
    }

    // A start that fails, for want of a descriptor or of memory, is tried again by the next caller.
    static Poller Only
    {
        get
        {
            if (Volatile.Read(ref s_only) is { } started)
                return started;
            lock (s_starting)
                return s_only ??= Start();
        }
    }

    internal static Poller Start()
    {
        var reading = new WatchedSet();
        WatchedSet? writing = null;
        try
        {
            writing = new();
            reading.Add(writing);
            var poller = new Poller(reading, writing);
            new Thread(poller.Run) { IsBackground = true, Name = "hostmemd-poll" }.Start();
            return poller;
        }
        catch
        {
            writing?.Dispose();
            reading.Dispose();
            throw;
        }
    }

    /// <summary>Those who wait for something to read.</summary>
    /// <exception cref="IOException">The first who asks starts the thread: no descriptor, or no memory.</exception>
    public static WatchedSet Reading => Only._reading;

    /// <summary>Those who wait for room: a descriptor can be in each set but once.</summary>
    public static WatchedSet Writing => Only._writing;

    void Run()
    {
        while (true)
        {
            var errno = Wait(out var ready);
            if (errno.Ok)
            {
                _reading.Signal(ready);
                continue;
            }
            // The thread must not end: no client would be answered any more.
            UnexpectedFailures.Report($"epoll_wait for clients: {errno}");
            Thread.Sleep(s_pause);
        }
    }

    Errno Wait(out int ready)
    {
        var begun = Stopwatch.GetTimestamp();
        Errno errno;
        if (_isPingPong && begun >= _notBefore)
        {
            do
            {
                errno = _reading.Wait(0, out ready);
                if (errno.Failed || ready > 0)
                {
                    _isPingPong = ready == 1;
                    return errno;
                }
                Thread.SpinWait(10);
            }
            while (Stopwatch.GetTimestamp() - begun < s_pingPong);
            _notBefore = Stopwatch.GetTimestamp() + s_backoff;
        }
        errno = _reading.Wait(-1, out ready);
        // With more than one at a time there is no need to look: they come while others are answered.
        _isPingPong = ready == 1 && Stopwatch.GetTimestamp() - begun < s_pingPong;
        return errno;
    }
}
