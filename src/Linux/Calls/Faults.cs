#if FAULT_INJECTION
using System.Collections.Concurrent;
using System.Globalization;
#endif
using System.Runtime.CompilerServices;

namespace HostMemd.Linux;

/// <summary>
/// The choke point of every system call: each wrapper asks <see cref="Hit"/> with the call's C name before it makes the call.
/// Without FAULT_INJECTION it is inlined to nothing. With it, <c>Arm("mmap", 2, Errno.ENOMEM)</c> or the environment variable
/// <c>HOSTMEMD_FAULTS=mmap:2:12,munmap:1:22</c> (name, which call counted from 1, errno; call 0 means all) makes calls fail unmade.
/// </summary>
public static class Faults
{
#if FAULT_INJECTION
    static readonly ConcurrentDictionary<string, Fault> s_faults = FromEnvironment();

    sealed class Fault(int nth, Errno error)
    {
        int _calls;

        public bool Hit(out Errno hit)
        {
            var call = Interlocked.Increment(ref _calls);
            hit = error;
            return nth == 0 || call == nth;
        }
    }

    /// <summary>Makes the <paramref name="nth"/> of the calls to come fail, once; 0 makes all fail.</summary>
    public static void Arm(string call, int nth, Errno error) => s_faults[call] = new Fault(nth, error);

    public static void Clear() => s_faults.Clear();

    /// <summary>Receives the names of all calls, in order; null records none.</summary>
    public static ConcurrentQueue<string>? Seen { get; set; }

    public static bool Hit(string call, out Errno error)
    {
        error = Errno.None;
        Seen?.Enqueue(call);
        return s_faults.TryGetValue(call, out var fault) && fault.Hit(out error);
    }

    static ConcurrentDictionary<string, Fault> FromEnvironment()
    {
        var faults = new ConcurrentDictionary<string, Fault>();
        var text = Environment.GetEnvironmentVariable("HOSTMEMD_FAULTS") ?? "";
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split(':')))
        {
            faults[part[0]] = new Fault(int.Parse(part[1], CultureInfo.InvariantCulture),
                new Errno(int.Parse(part[2], CultureInfo.InvariantCulture)));
        }
        return faults;
    }
#else
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Hit(string call, out Errno error)
    {
        error = Errno.None;
        return false;
    }
#endif
}
