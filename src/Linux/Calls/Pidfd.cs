using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>pidfd_open(2), poll(2): a process that cannot turn into another one with its number.</summary>
public static unsafe partial class Pidfd
{
    internal const short POLLIN = 0x1;
    internal const long PID_FS_MAGIC = 0x50494446;

    /// <summary>A descriptor of a process, close-on-exec (the kernel always sets it).</summary>
    /// <param name="pid">The process, not one of its further threads.</param>
    /// <param name="fd">The descriptor, or null on failure.</param>
    /// <returns>ESRCH: no such process; EINVAL: a thread, or not positive; EMFILE, ENFILE, ENOMEM; ENOSYS before Linux 5.3.</returns>
    public static Errno Open(int pid, out SafeFileHandle? fd)
    {
        fd = null;
        if (Faults.Hit(nameof(pidfd_open), out var error))
            return error;
        return Files.Own((int)pidfd_open(Syscalls.SYS_pidfd_open, pid, 0), out fd);
    }

    /// <summary>Waits for the process to end.</summary>
    /// <param name="fd">From <see cref="Open"/>, or the peer's from SO_PEERPIDFD.</param>
    /// <param name="timeoutMs">Milliseconds; 0 asks and returns, negative waits for ever.</param>
    /// <param name="exited">It has ended; it may still be a zombie.</param>
    /// <returns>ENOMEM, EBADF: poll(2). Running out of time is no error.</returns>
    public static Errno Poll(SafeFileHandle fd, int timeoutMs, out bool exited)
    {
        var error = Polling.Wait(fd, POLLIN, timeoutMs, out var found);
        exited = (found & POLLIN) != 0;
        // POLLNVAL and the like: poll(2) counts them as ready.
        return error.Ok && found != 0 && !exited ? Errno.EBADF : error;
    }

    /// <summary>
    /// A number for the process that no other one has had since the machine was started; for those that have no pid here, being in another
    /// pid namespace. Null before Linux 6.9, whose pidfds are all the same file (pidfd_open(2), pidfs).
    /// </summary>
    /// <param name="fd">From <see cref="Open"/>, or the peer's from SO_PEERPIDFD.</param>
    public static ulong? Identity(SafeFileHandle fd) =>
        Files.FileSystem(fd, out var system).Ok && system.Type == PID_FS_MAGIC && Files.Status(fd, out var status).Ok
            ? status.Inode : null;

    [LibraryImport(Libc.Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint pidfd_open(nint number, nint pid, nuint flags);
}
