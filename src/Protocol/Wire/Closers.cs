namespace HostMemd.Protocol.Wire;

/// <summary>
/// The threads that close clients' descriptors: two of the pool, which has a few and no more. When both hang, further threads are started,
/// so that a hanging file system of one client does not delay the descriptors of others.
/// </summary>
static class Closers
{
    const int OfThePool = 2;

    // Each hangs in close(2) of one descriptor. Beyond that many, descriptors wait.
    const int Most = 512;
    const int StackBytes = 64 << 10;

    static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(100);
    static readonly Lock s_gate = new();
    static readonly Queue<Action> s_waiting = new();
    static readonly Timer s_watch = new(static _ => Look());
    static int s_closers;
    static bool s_isWatched;
    static long s_taken, s_seen;

    /// <summary>Soon calls <paramref name="close"/>, which may hang; returns at once.</summary>
    public static void Run(Action close)
    {
        lock (s_gate)
        {
            s_waiting.Enqueue(close);
            if (s_closers >= OfThePool)
            {
                Watch();
                return;
            }
            s_closers++;
        }
        ThreadPool.UnsafeQueueUserWorkItem(static _ => Work(), null);
    }

    static void Work()
    {
        while (true)
        {
            Action close;
            lock (s_gate)
            {
                if (!s_waiting.TryDequeue(out close!))
                {
                    s_closers--;
                    return;
                }
                s_taken++;
            }
            close();
        }
    }

    // Starts the timer with the first descriptor that waits.
    static void Watch()
    {
        if (s_isWatched)
            return;
        s_isWatched = true;
        s_seen = s_taken;
        s_watch.Change(s_patience, Timeout.InfiniteTimeSpan);
    }

    static void Look()
    {
        lock (s_gate)
        {
            if (s_waiting.Count == 0)
            {
                s_isWatched = false;
                return;
            }
            // No descriptor was taken since the last look: all threads hang.
            if (s_taken == s_seen && s_closers < Most && TryStart())
                s_closers++;
            s_seen = s_taken;
            s_watch.Change(s_patience, Timeout.InfiniteTimeSpan);
        }
    }

    static bool TryStart()
    {
        try
        {
            new Thread(Work, StackBytes) { IsBackground = true, Name = "hostmemd-close" }.Start();
            return true;
        }
        catch (Exception none) when (none is OutOfMemoryException or ThreadStartException)
        {
            // pthread_create(3), EAGAIN: the next look tries again.
            return false;
        }
    }
}
