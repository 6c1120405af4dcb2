using System.Diagnostics;
using HostMemd.Linux;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// The thread that waits for all clients. Code that awaits a client's socket resumes there, so that a short command is answered without
/// waking another thread. docs/decisions/0006 says why there is one, and why it is not .NET's.
/// </summary>
sealed class Poller
{
    // While one client sends command after command, the thread polls for the next one this long before it sleeps: waking a CPU takes most
    // of a round trip (docs/decisions/0006).
    static readonly long s_pollTime = Stopwatch.Frequency * 100 / 1_000_000;

    // Polling in vain may have kept that very client from its CPU, so the thread does not poll again for this long.
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

    /// <summary>The descriptors that are waited for to be readable.</summary>
    /// <exception cref="IOException">The first use starts the thread, and no descriptor or no memory is left.</exception>
    public static WatchedSet Reading => Only._reading;

    /// <summary>The descriptors that are waited for to be writable. A set has each descriptor only once, hence two sets.</summary>
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
            while (Stopwatch.GetTimestamp() - begun < s_pollTime);
            _notBefore = Stopwatch.GetTimestamp() + s_backoff;
        }
        errno = _reading.Wait(-1, out ready);
        // With several clients ready at a time there is no need to poll: further ones become ready while these are answered.
        _isPingPong = ready == 1 && Stopwatch.GetTimestamp() - begun < s_pollTime;
        return errno;
    }
}
