using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

// fcntl(2), fchmod(2).
public static unsafe partial class Files
{
#pragma warning disable CS1591 // fcntl(2)
    public const int F_RDLCK = 0;
    public const int F_WRLCK = 1;
    public const int F_UNLCK = 2;
    public const int F_SETSIG = 10;
    public const int F_SETLEASE = 1024;
    public const int F_DUPFD_CLOEXEC = 1030;
    internal const int F_DUPFD = 0;
    internal const int F_SETFD = 2;
    internal const int FD_CLOEXEC = 1;
#pragma warning restore CS1591

    /// <summary>Permission bits of a file that only its owner may open.</summary>
    public const uint OwnerOnly = 0b110_000_000;

    /// <summary>
    /// Whether ours is the only open file on the inode, by taking a write lease and returning it. Mappings keep their open file
    /// alive and so are covered. Not seen: what shares our own open file (dup, fork, a descriptor lent without reopening).
    /// A memfd must be reopened once and its first descriptor closed, or the answer is wrong.
    /// </summary>
    /// <param name="fd">Our open file.</param>
    /// <param name="alone">The lease was granted. Only meaningful without error.</param>
    /// <returns>EACCES: neither the file's owner nor CAP_LEASE; EINVAL: no leases on this file or by fs.leases-enable; fcntl(2).
    /// The refusal itself, EAGAIN, is an answer and no error.</returns>
    public static Errno TryWriteLease(SafeFileHandle fd, out bool alone)
    {
        var error = TakeLease(fd);
        alone = error.Ok;
        if (error == Errno.EAGAIN)
            return Errno.None;
        if (error.Failed)
            return error;
        // Kept, it would make every later open of the file wait for fs.lease-break-time.
        error = ReturnLease(fd);
        if (error.Failed)
            UnexpectedFailures.Report($"fcntl(F_SETLEASE, F_UNLCK): {error}");
        return error;
    }

    // A process that opens the file while we hold the lease makes the kernel send us SIGIO, whose default action ends this process.
    // SIGURG's does nothing. Returning the lease resets the signal, so it is set every time.
    // fcntl(2), "Leases"; signal(7).
    public static Errno TakeLease(SafeFileHandle fd)
    {
        var error = Control(fd, F_SETSIG, Signals.SIGURG, out _);
        return error.Failed ? error : Control(fd, F_SETLEASE, F_WRLCK, out _);
    }

    public static Errno ReturnLease(SafeFileHandle fd) => Control(fd, F_SETLEASE, F_UNLCK, out _);

    /// <summary>Sets the permission bits of an open file of ours.</summary>
    /// <returns>EPERM, EROFS, EIO: fchmod(2).</returns>
    public static Errno SetMode(SafeFileHandle fd, uint mode)
    {
        if (Faults.Hit(nameof(fchmod), out var error))
            return error;
        return fchmod(fd, mode) == 0 ? Errno.None : Errno.Last;
    }

    internal static Errno Control(SafeFileHandle fd, int command, nint argument, out int result)
    {
        result = 0;
        if (Faults.Hit(nameof(fcntl), out var error))
            return error;
        try
        {
            var answer = fcntl(fd, command, argument); // none of the commands used here waits, so no EINTR
            if (answer < 0)
                return Errno.Last;
            result = answer;
            return Errno.None;
        }
        catch (ObjectDisposedException)
        {
            return Errno.EBADF; // closed meanwhile: what the kernel would have answered
        }
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int fcntl(SafeFileHandle fd, int command, nint argument);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int fchmod(SafeFileHandle fd, uint mode);
}
