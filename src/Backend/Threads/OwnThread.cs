using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Backend.Threads;

/// <summary>
/// Threads for work that would block the runtime's pool: a new one for each piece of work. A spare one, which exists from the start, does
/// the work in turn when the kernel grants no new thread (pthread_create(3), EAGAIN: a limit of the user or of the control group).
/// </summary>
public static class OwnThread
{
    // The work calls the kernel and reads its files. Of a parked thread 16 KiB of this are resident, and 16 KiB of the kernel's.
    const int StackBytes = 256 << 10;

    static readonly object s_gate = new();
    static readonly Queue<Action> s_waiting = new();
    static bool s_isReserved;

    /// <summary>Starts a thread.</summary>
    /// <param name="name">What ps shows, 15 bytes of it.</param>
    /// <param name="work">What the thread does; an exception out of it ends the daemon.</param>
    /// <param name="stackBytes">The size of its stack.</param>
    /// <returns>False: the kernel grants none.</returns>
    public static bool TryStart(string name, Action work, int stackBytes = StackBytes)
    {
        if (Faults.Hit("pthread_create", out var _))
            return false;
        try
        {
            new Thread(() => work(), stackBytes) { IsBackground = true, Name = name }.Start();
            return true;
        }
        // Native AOT throws the first, CoreCLR either.
        catch (Exception none) when (none is OutOfMemoryException or ThreadStartException)
        {
            return false;
        }
    }

    /// <summary>Starts the spare thread, once for this process.</summary>
    /// <returns>False: the kernel grants none.</returns>
    public static bool Reserve()
    {
        lock (s_gate)
            return s_isReserved = s_isReserved || TryStart("hostmemd-spare", WorkOff);
    }

    /// <summary>Runs the work on a thread of its own, or in its turn on the spare one.</summary>
    public static Task RunAsync(Action work) => RunAsync(() =>
    {
        work();
        return true;
    });

    /// <inheritdoc cref="RunAsync(Action)"/>
    public static Task<T> RunAsync<T>(Func<T> work) => TryRun(work) ?? InTurn(work);

    /// <summary>Runs the work on a thread of its own; null if the kernel grants none.</summary>
    public static Task<T>? TryRun<T>(Func<T> work)
    {
        var task = new Task<T>(work);
        return TryStart("hostmemd-work", task.RunSynchronously) ? task : null;
    }

    static Task<T> InTurn<T>(Func<T> work)
    {
        var task = new Task<T>(work);
        lock (s_gate)
        {
            if (!s_isReserved)
                return Task.FromException<T>(QmpErrors.NoThread(ThreadLimits.Describe()));
            s_waiting.Enqueue(task.RunSynchronously);
            Monitor.Pulse(s_gate);
        }
        return task;
    }

    static void WorkOff()
    {
        while (true)
        {
            Action work;
            lock (s_gate)
            {
                while (!s_waiting.TryDequeue(out work!))
                    Monitor.Wait(s_gate);
            }
            work();
        }
    }
}
