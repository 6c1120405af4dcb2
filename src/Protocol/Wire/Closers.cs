using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// The threads that close what clients sent: two of the pool, which has a few and no more, and where these hang others of their own, so
/// that one client's file system that hangs is not in the way of what others sent.
/// </summary>
static class Closers
{
    const int OfThePool = 2;

    // Each hangs in close(2) of one descriptor; further ones wait.
    const int Most = 512;
    const int StackBytes = 64 << 10;

    static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(100);
    static readonly Lock s_gate = new();
    static readonly Queue<(SafeFileHandle Handle, Action<SafeFileHandle> Close)> s_waiting = new();
    static readonly Timer s_watch = new(static _ => Look());
    static int s_closers;
    static long s_taken, s_seen;

    /// <summary>Soon calls <paramref name="close"/>, which may hang; returns at once.</summary>
    public static void Run(SafeFileHandle handle, Action<SafeFileHandle> close)
    {
        lock (s_gate)
        {
            s_waiting.Enqueue((handle, close));
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
            (SafeFileHandle Handle, Action<SafeFileHandle> Close) next;
            lock (s_gate)
            {
                if (!s_waiting.TryDequeue(out next))
                {
                    s_closers--;
                    return;
                }
                s_taken++;
            }
            next.Close(next.Handle);
        }
    }

    // Once for all that waits.
    static void Watch()
    {
        if (s_waiting.Count != 1)
            return;
        s_seen = s_taken;
        s_watch.Change(s_patience, Timeout.InfiniteTimeSpan);
    }

    static void Look()
    {
        lock (s_gate)
        {
            if (s_waiting.Count == 0)
                return;
            // Nothing was taken since: all hang.
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
            // pthread_create(3), EAGAIN: there may be one the next time.
            return false;
        }
    }
}
