using System.Runtime.InteropServices;
using System.Text;

namespace HostMemd.Linux;

/// <summary>sched_setaffinity(2), sched_getaffinity(2), gettid(2), nanosleep(2), the thread name of prctl(2), sysconf(3).</summary>
public static unsafe partial class Sched
{
    internal const int PR_SET_NAME = 15;
    internal const int _SC_NPROCESSORS_ONLN = 84;
    const int MostCpus = 1 << 20;

    // struct timespec
    struct TimeSpec
    {
        internal nint Seconds, Nanoseconds;
    }

    /// <summary>Sets the CPUs a thread may run on.</summary>
    /// <param name="tid">A thread of this process as <see cref="GetTid"/> gives it; 0 for the calling one.</param>
    /// <param name="cpus">CPU numbers in any order; those that do not exist are ignored while one does.</param>
    /// <returns>EINVAL: none of them can be used; ESRCH: no such thread; EPERM: sched_setaffinity(2).</returns>
    public static Errno SetAffinity(int tid, IReadOnlyList<int> cpus)
    {
        var highest = 0;
        foreach (var cpu in cpus)
        {
            if (cpu < 0 || cpu >= MostCpus)
                return Errno.EINVAL;
            highest = Math.Max(highest, cpu);
        }
        var mask = new ulong[highest / 64 + 1];
        foreach (var cpu in cpus)
            mask[cpu / 64] |= 1ul << (cpu % 64);
        if (Faults.Hit(nameof(sched_setaffinity), out var error))
            return error;
        fixed (ulong* p = mask)
            return sched_setaffinity(tid, (nuint)mask.Length * sizeof(ulong), p) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>The CPUs a thread may run on.</summary>
    /// <param name="tid">A thread as <see cref="GetTid"/> gives it; 0 for the calling one.</param>
    /// <param name="cpus">Ascending; empty on failure.</param>
    /// <returns>ESRCH: sched_setaffinity(2).</returns>
    public static Errno GetAffinity(int tid, out int[] cpus)
    {
        cpus = [];
        if (Faults.Hit(nameof(sched_getaffinity), out var error))
            return error;
        // EINVAL: the kernel's own mask is longer than ours: sched_setaffinity(2), NOTES.
        for (var words = 16; words <= MostCpus / 64; words *= 2)
        {
            var mask = new ulong[words];
            fixed (ulong* p = mask)
                error = sched_getaffinity(tid, (nuint)words * sizeof(ulong), p) >= 0 ? Errno.None : Errno.Last;
            if (error.Ok)
                cpus = BitList.FromMask(mask);
            if (error != Errno.EINVAL)
                break;
        }
        return error;
    }

    /// <summary>The calling thread's kernel id.</summary>
    public static int GetTid() => gettid(); // gettid(2) cannot fail

    /// <summary>The calling thread sleeps, to the microsecond; <see cref="Thread.Sleep(TimeSpan)"/> knows milliseconds.</summary>
    /// <param name="time">Less than a second. A signal may cut it short.</param>
    public static void Sleep(TimeSpan time)
    {
        TimeSpec request = new() { Nanoseconds = (nint)time.TotalNanoseconds };
        nanosleep(&request, null);
    }

    /// <summary>Names the calling thread, as <c>/proc/self/task/TID/comm</c> and <c>top -H</c> show it.</summary>
    /// <param name="name">At most 15 bytes of UTF-8.</param>
    /// <returns>ERANGE for a longer name, as pthread_setname_np(3); the kernel would cut it.</returns>
    public static Errno NameThread(string name)
    {
        Span<byte> text = stackalloc byte[16];
        text.Clear();
        if (Encoding.UTF8.GetByteCount(name) > text.Length - 1)
            return Errno.ERANGE;
        Encoding.UTF8.GetBytes(name, text);
        if (Faults.Hit(nameof(prctl), out var error))
            return error;
        fixed (byte* p = text)
            return prctl(PR_SET_NAME, (nuint)p, 0, 0, 0) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>CPUs that are online, whether or not we may run on them: sysconf(3). Unlike Environment.ProcessorCount, which
    /// heeds affinity and cgroups. At least 1.</summary>
    public static int OnlineCpus()
    {
        var online = sysconf(_SC_NPROCESSORS_ONLN);
        return online > 0 ? (int)online : 1;
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int sched_setaffinity(int tid, nuint bytes, ulong* mask);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int sched_getaffinity(int tid, nuint bytes, ulong* mask);

    [LibraryImport(Libc.Name)]
    private static partial int gettid();

    [LibraryImport(Libc.Name)]
    private static partial int nanosleep(TimeSpec* request, TimeSpec* remaining);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport(Libc.Name)]
    private static partial nint sysconf(int name);
}
