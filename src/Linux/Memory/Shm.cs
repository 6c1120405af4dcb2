using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>shm_open(3), shm_unlink(3).</summary>
public static partial class Shm
{
    /// <summary>Opens or makes a POSIX shared memory object; glibc adds O_CLOEXEC and O_NOFOLLOW.</summary>
    /// <param name="name">A slash and at most 254 bytes without one.</param>
    /// <param name="flags">O_RDONLY or O_RDWR, O_CREAT, O_EXCL, O_TRUNC.</param>
    /// <param name="mode">Permission bits for a new one.</param>
    /// <param name="fd">The object, or null on failure.</param>
    /// <returns>EEXIST, ENOENT, EACCES, EINVAL, EMFILE, ENFILE, ENAMETOOLONG: shm_open(3).</returns>
    public static Errno Open(string name, int flags, int mode, out SafeFileHandle? fd)
    {
        fd = null;
        if (Libc.HasNul(name))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(shm_open), out var error))
            return error;
        do
        {
            error = Files.Own(shm_open(name, flags | Files.O_CLOEXEC, mode), out fd);
        }
        while (error == Errno.EINTR)
            ; // it is an open(2) underneath
        return error;
    }

    /// <summary>Removes the name; the memory goes with its last descriptor and mapping.</summary>
    /// <param name="name">As given to <see cref="Open"/>.</param>
    /// <returns>ENOENT, EACCES, EINVAL: shm_open(3).</returns>
    public static Errno Unlink(string name)
    {
        if (Libc.HasNul(name))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(shm_unlink), out var error))
            return error;
        return shm_unlink(name) == 0 ? Errno.None : Errno.Last;
    }

    [LibraryImport(Libc.Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int shm_open(string name, int flags, int mode);

    [LibraryImport(Libc.Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int shm_unlink(string name);
}
