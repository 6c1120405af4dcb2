using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>pipe2(2), and waiting until the other end is closed.</summary>
public static unsafe partial class Pipes
{
    const int O_CLOEXEC = 0x80000;

    /// <summary>Makes a pipe, close-on-exec.</summary>
    /// <param name="read">Null on failure.</param>
    /// <param name="write">Null on failure.</param>
    /// <returns>EMFILE, ENFILE: pipe2(2).</returns>
    public static Errno Create(out SafeFileHandle? read, out SafeFileHandle? write)
    {
        (read, write) = (null, null);
        if (Faults.Hit(nameof(pipe2), out var error))
            return error;
        var ends = stackalloc int[2];
        if (pipe2(ends, O_CLOEXEC) != 0)
            return Errno.Last;
        read = new(ends[0], ownsHandle: true);
        write = new(ends[1], ownsHandle: true);
        return Errno.None;
    }

    /// <summary>Waits until all writing ends are closed.</summary>
    /// <param name="read">The reading end.</param>
    /// <param name="milliseconds">The longest wait.</param>
    /// <param name="closed">False when the time is up. Only meaningful without error.</param>
    /// <returns>ENOMEM: poll(2).</returns>
    public static Errno WaitForHangUp(SafeFileHandle read, int milliseconds, out bool closed)
    {
        var error = Polling.Wait(read, 0, milliseconds, out var found);
        closed = found != 0;
        return error;
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int pipe2(int* ends, int flags);
}
