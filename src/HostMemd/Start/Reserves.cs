using System.Globalization;
using HostMemd.Backend.Threads;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Start;

/// <summary>
/// What the runtime and the daemon need whatever happens later, had before anything else is begun: a start that cannot succeed is one line,
/// and a daemon that serves needs no further thread to fill, to see processes end, and to end.
/// </summary>
static class Reserves
{
    // The runtime's pool ends the process where it cannot have a thread it wants (PortableThreadPool: the exception of a worker goes up to
    // whoever gave it work, that of its gate thread is FailFast). So it has all its threads from the start and wants no more. Two may
    // hang in closing a client's descriptors (Closing), the others go on.
    static readonly int s_workers = Math.Clamp(Environment.ProcessorCount, 4, 8);

    // Its gate and timer threads.
    const int Runtime = 2;

    // main, finalizer, signals, sockets, poller, log, spare, fill, processes' ends.
    const int Own = 9;

    // The daemon keeps a quarter of a small limit for itself (Quota); with less than this too little is left to it, or to clients.
    const ulong Descriptors = 256;

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    // The timer of every Task.Delay needs a thread; this one is there for it to exist.
    static Timer? s_timer;

    /// <summary>Called first of all, before anything uses the pool.</summary>
    /// <exception cref="StartException">A limit is too low.</exception>
    public static void Take()
    {
        RoomCheck.Check();
        if (Rlimit.Get(Rlimit.RLIMIT_NOFILE, out var soft, out _).Ok && soft < Descriptors)
            throw TooLow("RLIMIT_NOFILE", soft, Descriptors);
        TryThreads(Runtime + s_workers);
        StartPool();
        s_timer = new(static _ => { }, null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Why a start has failed that could not have a thread.</summary>
    public static StartException NoThread()
    {
        var all = (ulong)(Own + Runtime + s_workers);
        return Rlimit.Get(Rlimit.RLIMIT_NPROC, out var soft, out _).Ok && soft < all
            ? TooLow("RLIMIT_NPROC", soft, all) : new(QmpErrors.NoThread(ThreadLimits.Describe()).Message);
    }

    static StartException TooLow(string name, ulong value, ulong least) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}, {least} are needed"));

    // As many at once can be had: where not, the pool would not survive finding out.
    static void TryThreads(int count)
    {
        using var end = new ManualResetEventSlim();
        var before = Procfs.Status("Threads");
        var started = true;
        for (; count > 0 && started; count--)
            started = OwnThread.TryStart("hostmemd-try", end.Wait, 64 << 10);
        end.Set();
        if (!started)
            throw NoThread();
        // A thread counts until the kernel has taken it out of the process, some microseconds after its last instruction.
        SpinWait.SpinUntil(() => Procfs.Status("Threads") == before, s_patience);
    }

    static void StartPool()
    {
        // A worker leaves after 20 s without work otherwise, and another would have to be had.
        AppContext.SetData("System.Threading.ThreadPool.ThreadsToKeepAlive", s_workers.ToString(CultureInfo.InvariantCulture));
        if (!ThreadPool.SetMinThreads(s_workers, 1) || !ThreadPool.SetMaxThreads(s_workers, s_workers))
            throw new StartException(string.Create(CultureInfo.InvariantCulture, $"the runtime does not take {s_workers} as the size of its thread pool"));
        // All at once, so that each needs a thread.
        var met = new CountdownEvent(s_workers);
        for (var i = 0; i < s_workers; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static met =>
            {
                met.Signal();
                met.Wait(s_patience);
            }, met, preferLocal: false);
        }
        if (!met.Wait(s_patience))
            throw NoThread();
    }
}
