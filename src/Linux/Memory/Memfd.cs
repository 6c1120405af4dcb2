using System.Numerics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>memfd_create(2) and the seals of fcntl(2).</summary>
public static partial class Memfd
{
#pragma warning disable CS1591 // memfd_create(2), fcntl(2)
    public const uint MFD_CLOEXEC = 0x1;
    public const uint MFD_ALLOW_SEALING = 0x2;
    public const uint MFD_HUGETLB = 0x4;
    public const uint MFD_NOEXEC_SEAL = 0x8;
    public const uint MFD_EXEC = 0x10;
    public const int MFD_HUGE_SHIFT = 26;
    public const uint MFD_HUGE_2MB = 21u << MFD_HUGE_SHIFT;
    public const uint MFD_HUGE_1GB = 30u << MFD_HUGE_SHIFT;

    public const int F_ADD_SEALS = 1033;
    public const int F_GET_SEALS = 1034;
    public const int F_SEAL_SEAL = 0x1;
    public const int F_SEAL_SHRINK = 0x2;
    public const int F_SEAL_GROW = 0x4;
    public const int F_SEAL_WRITE = 0x8;
    public const int F_SEAL_FUTURE_WRITE = 0x10;
    public const int F_SEAL_EXEC = 0x20;
#pragma warning restore CS1591

    /// <summary>Makes an anonymous file, close-on-exec, that only its owner can open again.</summary>
    /// <param name="name">At most 249 bytes; seen in /proc only.</param>
    /// <param name="flags">MFD_*; MFD_CLOEXEC is added. Without MFD_ALLOW_SEALING no process can add a seal, whatever vm.memfd_noexec
    /// is.</param>
    /// <param name="fd">The file, or null on failure.</param>
    /// <returns>ENODEV: the CPU has no such huge page; EINVAL, EMFILE, ENFILE, ENOMEM, EPERM: memfd_create(2), fchmod(2).</returns>
    public static Errno Create(string name, uint flags, out SafeFileHandle? fd)
    {
        fd = null;
        if (Libc.HasNul(name))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(memfd_create), out var error))
            return error;
        error = Files.Own(memfd_create(name, flags | MFD_CLOEXEC), out var made);
        if (error.Failed)
            return error;
        // The kernel makes them 0777: a borrower that got one for reading could open it again for writing, through its own /proc/self/fd.
        error = Files.SetMode(made!, Files.OwnerOnly);
        if (error.Ok && (flags & MFD_ALLOW_SEALING) == 0)
            error = EndSealing(made!);
        if (error.Ok)
            fd = made;
        else
            made!.Dispose();
        return error;
    }

    /// <summary>Adds seals, for good.</summary>
    /// <param name="fd">A memfd.</param>
    /// <param name="seals">F_SEAL_*.</param>
    /// <returns>EPERM: sealing is sealed; EBUSY: F_SEAL_WRITE with a writable mapping; EINVAL: not a memfd. fcntl(2).</returns>
    public static Errno AddSeals(SafeFileHandle fd, int seals) => Files.Control(fd, F_ADD_SEALS, seals, out _);

    /// <summary>
    /// Ends sealing: no process can add a seal afterwards. Linux 6.3 and later make every memfd sealable where vm.memfd_noexec is 1 or 2
    /// (memfd_create(2),
    /// MFD_NOEXEC_SEAL), and after one F_SEAL_FUTURE_WRITE of a borrower no process could map the memory for writing again.
    /// </summary>
    /// <param name="fd">Any file; one that has no seals, or whose sealing has ended, is left as it is.</param>
    /// <returns>EBADF and the like: fcntl(2).</returns>
    public static Errno EndSealing(SafeFileHandle fd)
    {
        var error = AddSeals(fd, F_SEAL_SEAL);
        return error == Errno.EPERM || error == Errno.EINVAL ? Errno.None : error;
    }

    /// <summary>Which seals the file has. One made without MFD_ALLOW_SEALING has F_SEAL_SEAL.</summary>
    /// <param name="fd">A memfd.</param>
    /// <param name="seals">F_SEAL_*.</param>
    /// <returns>EINVAL: not a memfd. fcntl(2).</returns>
    public static Errno GetSeals(SafeFileHandle fd, out int seals) => Files.Control(fd, F_GET_SEALS, 0, out seals);

    /// <summary>The bits that ask for huge pages of a size; 0, the machine's default size, for sizes 0 and 1.</summary>
    /// <param name="pageSize">Bytes, a power of two.</param>
    public static uint HugeFlag(ulong pageSize) => (uint)BitOperations.Log2(pageSize) << MFD_HUGE_SHIFT;

    [LibraryImport(Libc.Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int memfd_create(string name, uint flags);
}
