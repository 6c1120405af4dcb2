using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>pipe2(2) and waiting for its other end to close.</summary>
public static unsafe partial class Pipes
{
    const int O_CLOEXEC = 0x80000;

    /// <returns>EMFILE, ENFILE.</returns>
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

    /// <summary>Whether all writing ends were closed within the time.</summary>
    public static bool WaitForHangUp(SafeFileHandle read, int milliseconds)
    {
        if (Faults.Hit(nameof(poll), out _))
            return false;
        var deadline = Environment.TickCount64 + milliseconds;
        var held = false;
        try
        {
            read.DangerousAddRef(ref held);
            var wait = new Pidfd.pollfd { fd = (int)read.DangerousGetHandle() };
            while (true)
            {
                var left = (int)Math.Max(0, deadline - Environment.TickCount64);
                var ready = poll(&wait, 1, left);
                if (ready > 0)
                    return true;
                if (ready == 0 || Errno.Last != Errno.EINTR)
                    return false;
            }
        }
        finally
        {
            if (held)
                read.DangerousRelease();
        }
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int pipe2(int* ends, int flags);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int poll(Pidfd.pollfd* entries, nuint count, int timeout);
}
