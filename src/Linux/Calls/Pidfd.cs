using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>pidfd_open(2), pidfd_send_signal(2), poll(2): a process that cannot turn into another one with its number.</summary>
public static unsafe partial class Pidfd
{
    internal const short POLLIN = 0x1;
    internal const long PID_FS_MAGIC = 0x50494446;

#pragma warning disable CS8981 // the kernel's spelling
    internal struct pollfd
    {
        internal int fd;
        internal short events;
        internal short revents;
    }
#pragma warning restore CS8981

    /// <summary>A descriptor of a process, close-on-exec (the kernel always sets it).</summary>
    /// <param name="pid">The process, not one of its further threads.</param>
    /// <param name="fd">The descriptor, or null on failure.</param>
    /// <returns>ESRCH: no such process; EINVAL: a thread, or not positive; EMFILE, ENFILE, ENOMEM; ENOSYS before Linux 5.3.</returns>
    public static Errno Open(int pid, out SafeFileHandle? fd)
    {
        fd = null;
        if (Faults.Hit(nameof(pidfd_open), out Errno error)) return error;
        return Files.Own((int)pidfd_open(Syscalls.SYS_pidfd_open, pid, 0), out fd);
    }

    /// <summary>Waits for the process to end.</summary>
    /// <param name="fd">From <see cref="Open"/>, or the peer's from SO_PEERPIDFD.</param>
    /// <param name="timeoutMs">Milliseconds; 0 asks and returns, negative waits for ever.</param>
    /// <param name="exited">It has ended; it may still be a zombie.</param>
    /// <returns>ENOMEM, EBADF: poll(2). Running out of time is no error.</returns>
    public static Errno Poll(SafeFileHandle fd, int timeoutMs, out bool exited)
    {
        exited = false;
        long deadline = Environment.TickCount64 + timeoutMs;
        bool held = false;
        try
        {
            fd.DangerousAddRef(ref held);
            pollfd wait = new() { fd = (int)fd.DangerousGetHandle(), events = POLLIN };
            while (true)
            {
                if (Faults.Hit(nameof(poll), out Errno error)) return error;
                int ready = poll(&wait, 1, timeoutMs);
                if (ready >= 0)
                {
                    exited = ready > 0 && (wait.revents & POLLIN) != 0;
                    // POLLNVAL and the like: poll(2) counts them as ready.
                    return ready > 0 && !exited ? Errno.EBADF : Errno.None;
                }
                if (Errno.Last != Errno.EINTR) return Errno.Last;
                if (timeoutMs > 0) timeoutMs = (int)Math.Max(0, deadline - Environment.TickCount64);
            }
        }
        catch (ObjectDisposedException)
        {
            return Errno.EBADF;
        }
        finally
        {
            if (held) fd.DangerousRelease();
        }
    }

    /// <summary>
    /// A number for the process that no other one has had since the machine was started; for those that have no pid here, being in another
    /// pid namespace. Null before Linux 6.9, whose pidfds are all the same file (pidfd_open(2), pidfs).
    /// </summary>
    /// <param name="fd">From <see cref="Open"/>, or the peer's from SO_PEERPIDFD.</param>
    public static ulong? Identity(SafeFileHandle fd) =>
        Files.FileSystem(fd, out FileSystemStatus system).Ok && system.Type == PID_FS_MAGIC && Files.Status(fd, out FileStatus status).Ok
            ? status.Inode : null;

    /// <summary>Sends a signal; 0 only asks whether one could be sent.</summary>
    /// <param name="fd">From <see cref="Open"/>.</param>
    /// <param name="signal">The number, signal(7).</param>
    /// <returns>ESRCH: it has ended and was waited for; EPERM; EINVAL: pidfd_send_signal(2).</returns>
    public static Errno SendSignal(SafeFileHandle fd, int signal)
    {
        if (Faults.Hit(nameof(pidfd_send_signal), out Errno error)) return error;
        return pidfd_send_signal(Syscalls.SYS_pidfd_send_signal, fd, signal, 0, 0) == 0 ? Errno.None : Errno.Last;
    }

    [LibraryImport(Libc.Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint pidfd_open(nint number, nint pid, nuint flags);

    [LibraryImport(Libc.Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint pidfd_send_signal(nint number, SafeFileHandle fd, nint signal, nint info, nuint flags);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int poll(pollfd* fds, nuint count, int timeoutMs);
}
