using System.Runtime.InteropServices;

namespace HostMemd.Linux;

/// <summary>signal(2): what a signal does to this process.</summary>
public static partial class Signals
{
#pragma warning disable CS1591 // signal(7)
    public const int SIGINT = 2;
    public const int SIGABRT = 6;
    public const int SIGPIPE = 13;
    public const int SIGTERM = 15;
    public const int SIGXFSZ = 25;
#pragma warning restore CS1591

    internal const int SIGURG = 23;
    const int SIG_DFL = 0;
    const int SIG_IGN = 1;
    const int SIG_ERR = -1;

    /// <summary>The signal does nothing from now on.</summary>
    /// <param name="number">SIG*.</param>
    /// <returns>EINVAL: signal(2).</returns>
    public static Errno Ignore(int number) => Set(number, SIG_IGN);

    /// <summary>The signal has its usual effect again, whatever the runtime had put in its place.</summary>
    /// <param name="number">SIG*.</param>
    /// <returns>EINVAL: signal(2).</returns>
    public static Errno Restore(int number) => Set(number, SIG_DFL);

    static Errno Set(int number, nint action)
    {
        if (Faults.Hit(nameof(signal), out var error))
            return error;
        return signal(number, action) == SIG_ERR ? Errno.Last : Errno.None;
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial nint signal(int number, nint action);
}
