using System.Diagnostics;
using HostMemd.Linux;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// The thread that waits for all clients. Whoever waits for one goes on there, so that a short command is answered without another thread
/// being woken. Why one, and not .NET's own: docs/decisions/0006.
/// </summary>
sealed class Poller
{
    // While one client is in quick conversation, its next command is looked for this long before the thread sleeps: to wake a CPU takes most
    // of a round trip between two. 30 us instead of 51, and with a client that polls as well 20 instead of 59 (bench/load, 2026-11-21).
    static readonly long s_conversation = Stopwatch.Frequency * 100 / 1_000_000;

    // Looking in vain may have kept that very client from its CPU; so it is not done again at once.
    static readonly long s_disappointment = Stopwatch.Frequency * 10 / 1_000;

    static readonly Lazy<Poller> s_only = new(() => new());

    readonly EpollSet _reading = new();
    readonly EpollSet _writing = new();
    bool _isConversing;
    long _notBefore;

    Poller()
    {
        _reading.Add(_writing);
        new Thread(Run) { IsBackground = true, Name = "hostmemd-poll" }.Start();
    }

    /// <summary>Those who wait for something to read.</summary>
    /// <exception cref="IOException">The first who asks starts the thread: no descriptor, or no memory.</exception>
    public static EpollSet Reading => s_only.Value._reading;

    /// <summary>Those who wait for room: a descriptor can be in each set but once.</summary>
    public static EpollSet Writing => s_only.Value._writing;

    void Run()
    {
        while (true)
            _reading.Tell(Await());
    }

    int Await()
    {
        var begun = Stopwatch.GetTimestamp();
        if (_isConversing && begun >= _notBefore)
        {
            do
            {
                if (_reading.Wait(0) is > 0 and var found)
                {
                    _isConversing = found == 1;
                    return found;
                }
                Thread.SpinWait(10);
            }
            while (Stopwatch.GetTimestamp() - begun < s_conversation);
            _notBefore = Stopwatch.GetTimestamp() + s_disappointment;
        }
        var ready = _reading.Wait(-1);
        // With more than one at a time there is no need to look: they come while others are answered.
        _isConversing = ready == 1 && Stopwatch.GetTimestamp() - begun < s_conversation;
        return ready;
    }
}
