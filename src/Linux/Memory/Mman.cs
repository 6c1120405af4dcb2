using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>mmap(2), munmap(2), madvise(2), mincore(2). Addresses stay inside this folder: see <see cref="MappedMemory"/>.</summary>
public static unsafe partial class Mman
{
#pragma warning disable CS1591 // mmap(2), madvise(2)
    public const int PROT_NONE = 0x0;
    public const int PROT_READ = 0x1;
    public const int PROT_WRITE = 0x2;
    public const int PROT_EXEC = 0x4;

    public const int MAP_SHARED = 0x01;
    public const int MAP_PRIVATE = 0x02;
    public const int MAP_SHARED_VALIDATE = 0x03;
    public const int MAP_TYPE = 0x0f;
    public const int MAP_FIXED = 0x10;
    public const int MAP_ANONYMOUS = 0x20;
    public const int MAP_NORESERVE = 0x4000;
    public const int MAP_HUGETLB = 0x40000;
    public const int MAP_SYNC = 0x80000;
    public const int MAP_FIXED_NOREPLACE = 0x100000;

    public const int MADV_NORMAL = 0;
    public const int MADV_DONTNEED = 4;
    public const int MADV_REMOVE = 9;
    public const int MADV_DONTFORK = 10;
    public const int MADV_DOFORK = 11;
    public const int MADV_MERGEABLE = 12;
    public const int MADV_UNMERGEABLE = 13;
    public const int MADV_HUGEPAGE = 14;
    public const int MADV_NOHUGEPAGE = 15;
    public const int MADV_DONTDUMP = 16;
    public const int MADV_DODUMP = 17;
    public const int MADV_POPULATE_READ = 22;
    public const int MADV_POPULATE_WRITE = 23;
    public const int MADV_COLLAPSE = 25;
#pragma warning restore CS1591

    const nint Failed = -1; // MAP_FAILED

    // mmap(2), munmap(2), madvise(2) list no EINTR: a populating madvise is only cut short by a signal that kills.

    /// <summary>mmap(2). The daemon maps by <see cref="MappedMemory"/>, which keeps the address to itself; the client library needs
    /// it.</summary>
    public static Errno Map(nint hint, ulong length, int protection, int flags, SafeFileHandle? file, ulong offset, out nint address)
    {
        address = 0;
        if (Faults.Hit(nameof(mmap), out var error))
            return error;
        var result = file is null
            ? mmap(hint, (nuint)length, protection, flags, -1, 0)
            : mmap(hint, (nuint)length, protection, flags, file, (long)offset);
        if (result == Failed)
            return Errno.Last;
        address = result;
        return Errno.None;
    }

    /// <summary>munmap(2).</summary>
    public static Errno Unmap(nint address, ulong length)
    {
        if (Faults.Hit(nameof(munmap), out var error))
            return error;
        return munmap(address, (nuint)length) == 0 ? Errno.None : Errno.Last;
    }

    internal static Errno Advise(nint address, ulong length, int advice)
    {
        if (Faults.Hit(nameof(madvise), out var error))
            return error;
        return madvise(address, (nuint)length, advice) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>One byte per host page into <paramref name="pages"/>, lowest bit set for a resident one.</summary>
    internal static Errno Resident(nint address, ulong length, Span<byte> pages)
    {
        if (Faults.Hit(nameof(mincore), out var error))
            return error;
        fixed (byte* p = pages)
            return mincore(address, (nuint)length, p) == 0 ? Errno.None : Errno.Last;
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial nint mmap(nint address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial nint mmap(nint address, nuint length, int protection, int flags, SafeFileHandle fd, long offset);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int munmap(nint address, nuint length);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int madvise(nint address, nuint length, int advice);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int mincore(nint address, nuint length, byte* pages);
}
