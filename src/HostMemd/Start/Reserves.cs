using System.Globalization;
using HostMemd.Backend.Threads;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Start;

/// <summary>
/// Takes the threads that the runtime and the daemon cannot do without, before anything else: a start that cannot succeed ends with one
/// line, and a daemon that serves needs no further thread to fill, to see processes end, and to end.
/// </summary>
static class Reserves
{
    // The runtime's pool ends the process where it cannot start a thread (PortableThreadPool: the exception of a worker reaches the caller
    // that queued the work, that of its gate thread is FailFast). So it has all its threads from the start. Two may hang in closing a
    // client's descriptors (Closing), the others go on.
    static readonly int s_workers = Math.Clamp(Environment.ProcessorCount, 4, 8);

    // The pool's gate and timer threads.
    const int Runtime = 2;

    // main, finalizer, signals, sockets, poller, log, spare, fill, processes' ends.
    const int Own = 9;

    // The daemon keeps a quarter of a small limit for itself (Quota). Below this, the daemon or its clients have too few.
    const ulong Descriptors = 256;

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    // Every Task.Delay needs the runtime's timer thread, which this timer starts.
    static Timer? s_timer;

    /// <summary>Takes the threads. Called first of all, before anything uses the pool.</summary>
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

    /// <summary>Returns the error of a start that could not have a thread.</summary>
    public static StartException NoThread()
    {
        var all = (ulong)(Own + Runtime + s_workers);
        return Rlimit.Get(Rlimit.RLIMIT_NPROC, out var soft, out _).Ok && soft < all
            ? TooLow("RLIMIT_NPROC", soft, all) : new(QmpErrors.NoThread(ThreadLimits.Describe()).Message);
    }

    static StartException TooLow(string name, ulong value, ulong least) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{name} is {value}, {least} are needed"));

    // Starts as many threads at once. Where that fails, the pool would end the process by trying.
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
        // The kernel counts a thread until some microseconds after its last instruction.
        SpinWait.SpinUntil(() => Procfs.Status("Threads") == before, s_patience);
    }

    static void StartPool()
    {
        // Otherwise a worker leaves after 20 s without work, and another would have to be started.
        AppContext.SetData("System.Threading.ThreadPool.ThreadsToKeepAlive", s_workers.ToString(CultureInfo.InvariantCulture));
        if (!ThreadPool.SetMinThreads(s_workers, 1) || !ThreadPool.SetMaxThreads(s_workers, s_workers))
        {
            throw new StartException(string.Create(CultureInfo.InvariantCulture,
                $"the runtime does not take {s_workers} as the size of its thread pool"));
        }
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
