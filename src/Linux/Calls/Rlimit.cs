using System.Runtime.InteropServices;

namespace HostMemd.Linux;

/// <summary>getrlimit(2), setrlimit(2).</summary>
public static unsafe partial class Rlimit
{
#pragma warning disable CS1591, CS8981 // getrlimit(2); the kernel's spelling
    public const int RLIMIT_FSIZE = 1;
    public const int RLIMIT_DATA = 2;
    public const int RLIMIT_CORE = 4;
    public const int RLIMIT_NPROC = 6;
    public const int RLIMIT_NOFILE = 7;
    public const int RLIMIT_MEMLOCK = 8;
    public const int RLIMIT_AS = 9;
    public const ulong RLIM_INFINITY = ulong.MaxValue;

    internal struct rlimit
    {
        internal ulong rlim_cur;
        internal ulong rlim_max;
    }
#pragma warning restore CS1591, CS8981

    /// <summary>Both limits of a resource, in its own unit (descriptors, bytes).</summary>
    /// <param name="resource">RLIMIT_*.</param>
    /// <param name="soft">What is enforced.</param>
    /// <param name="hard">How far the soft one may be raised.</param>
    /// <returns>EINVAL: getrlimit(2).</returns>
    public static Errno Get(int resource, out ulong soft, out ulong hard)
    {
        soft = hard = 0;
        if (Faults.Hit(nameof(getrlimit), out var error))
            return error;
        rlimit limit;
        if (getrlimit(resource, &limit) != 0)
            return Errno.Last;
        (soft, hard) = (limit.rlim_cur, limit.rlim_max);
        return Errno.None;
    }

    /// <summary>Sets both limits.</summary>
    /// <inheritdoc cref="Get"/>
    /// <returns>EPERM: the hard limit would rise; EINVAL: soft above hard. getrlimit(2).</returns>
    public static Errno Set(int resource, ulong soft, ulong hard)
    {
        if (Faults.Hit(nameof(setrlimit), out var error))
            return error;
        rlimit limit = new() { rlim_cur = soft, rlim_max = hard };
        return setrlimit(resource, &limit) == 0 ? Errno.None : Errno.Last;
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int getrlimit(int resource, rlimit* limit);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int setrlimit(int resource, rlimit* limit);
}
