using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

// Locks of open files: flock(2), and F_OFD_SETLK of fcntl(2).
public static unsafe partial class Files
{
    internal const int F_OFD_SETLK = 37;
    internal const int LOCK_EX = 2;

    // struct flock: C has a function of that name too.
    internal struct flock_t
    {
        public short l_type;
        public short l_whence;
        public long l_start;
        public long l_len;
        public int l_pid;
    }

    /// <summary>
    /// Locks a whole file for writing, without waiting. The lock belongs to the open file and not to the process: closing another
    /// descriptor of the file keeps it. fcntl(2), "Open file description locks".
    /// </summary>
    /// <param name="fd">A file open for writing.</param>
    /// <returns>EAGAIN, EACCES: another process has it locked; EBADF, ENOLCK: fcntl(2).</returns>
    public static Errno TryLock(SafeFileHandle fd)
    {
        var whole = new flock_t { l_type = F_WRLCK };
        return Control(fd, F_OFD_SETLK, (nint)(&whole), out _);
    }

    /// <summary>Locks an open file or folder against others that call this, and waits for the lock: flock(2).</summary>
    /// <param name="fd">Any open file.</param>
    /// <returns>ENOLCK, EBADF: flock(2).</returns>
    public static Errno WaitForLock(SafeFileHandle fd)
    {
        Errno error;
        do
        {
            if (Faults.Hit(nameof(flock), out error))
                return error;
            error = flock(fd, LOCK_EX) == 0 ? Errno.None : Errno.Last;
        }
        while (error == Errno.EINTR);
        return error;
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int flock(SafeFileHandle fd, int operation);
}
