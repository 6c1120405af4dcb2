using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

// What is in a file and how long it is: ftruncate(2), fallocate(2), lseek(2), pread(2).
public static unsafe partial class Files
{
#pragma warning disable CS1591 // fallocate(2), lseek(2)
    public const int FALLOC_FL_KEEP_SIZE = 0x01;
    public const int FALLOC_FL_PUNCH_HOLE = 0x02;
    public const int FALLOC_FL_ZERO_RANGE = 0x10;
    public const int SEEK_END = 2;
    public const int SEEK_DATA = 3;
    public const int SEEK_HOLE = 4;
#pragma warning restore CS1591

    /// <summary>ftruncate(2): sets the length, in bytes.</summary>
    /// <param name="fd">A file open for writing.</param>
    /// <param name="length">Bytes; 2^63 and more is EINVAL.</param>
    /// <returns>EFBIG, EINVAL (hugetlbfs: no multiple of the page), EPERM (sealed), EIO: ftruncate(2).</returns>
    public static Errno Truncate(SafeFileHandle fd, ulong length)
    {
        if (Faults.Hit(nameof(ftruncate), out var error))
            return error;
        do
        {
            error = ftruncate(fd, (long)length) == 0 ? Errno.None : Errno.Last;
        }
        while (error == Errno.EINTR);
        return error;
    }

    /// <summary>fallocate(2): gives a range its blocks, or takes them.</summary>
    /// <param name="fd">A file open for writing.</param>
    /// <param name="mode">0 or FALLOC_FL_*.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="length">Bytes, more than 0.</param>
    /// <returns>ENOSPC, EFBIG, EOPNOTSUPP, EPERM (sealed), EINVAL: fallocate(2). Interrupted by a signal it starts anew, so keep ranges
    /// moderate: tmpfs frees what it had allocated.</returns>
    public static Errno Allocate(SafeFileHandle fd, int mode, ulong offset, ulong length)
    {
        if (Faults.Hit(nameof(fallocate), out var error))
            return error;
        do
        {
            error = fallocate(fd, mode, (long)offset, (long)length) == 0 ? Errno.None : Errno.Last;
        }
        while (error == Errno.EINTR);
        return error;
    }

    /// <summary>Where the file ends: lseek(2), SEEK_END. Moves the file's position, which nothing here uses.</summary>
    /// <param name="fd">A file or block device.</param>
    /// <param name="size">Bytes.</param>
    /// <returns>ESPIPE for what cannot be sought, EBADF: lseek(2).</returns>
    public static Errno End(SafeFileHandle fd, out ulong size)
    {
        size = 0;
        if (Faults.Hit(nameof(lseek), out var error))
            return error;
        var end = lseek(fd, 0, SEEK_END);
        if (end < 0)
            return Errno.Last;
        size = (ulong)end;
        return Errno.None;
    }

    /// <summary>Where the file next has data, or next has none: lseek(2), SEEK_DATA or SEEK_HOLE.</summary>
    /// <param name="fd">A file.</param>
    /// <param name="offset">First byte looked at.</param>
    /// <param name="whence">Which of the two.</param>
    /// <param name="found">Byte.</param>
    /// <returns>ENXIO: no more data, or offset is not within the file; EINVAL: not on this file system; lseek(2).</returns>
    public static Errno Seek(SafeFileHandle fd, ulong offset, int whence, out ulong found)
    {
        found = 0;
        if (Faults.Hit(nameof(lseek), out var error))
            return error;
        var at = lseek(fd, (long)offset, whence);
        if (at < 0)
            return Errno.Last;
        found = (ulong)at;
        return Errno.None;
    }

    /// <summary>pread(2).</summary>
    /// <param name="fd">A file open for reading.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="into">Receives the bytes.</param>
    /// <param name="done">Bytes read; fewer than asked is no failure, 0 is the end.</param>
    /// <returns>pread(2)'s error.</returns>
    public static Errno PRead(SafeFileHandle fd, ulong offset, Span<byte> into, out int done)
    {
        done = 0;
        if (Faults.Hit(nameof(pread), out var error))
            return error;
        nint result;
        fixed (byte* p = into)
        {
            do
            {
                result = pread(fd, p, (nuint)into.Length, (long)offset);
                error = result < 0 ? Errno.Last : Errno.None;
            }
            while (error == Errno.EINTR);
        }
        if (error.Ok)
            done = (int)result;
        return error;
    }

    /// <summary>pwrite(2).</summary>
    /// <param name="fd">A file open for writing.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="from">The bytes.</param>
    /// <param name="done">Bytes written; fewer than asked is no failure.</param>
    /// <returns>pwrite(2)'s error.</returns>
    public static Errno PWrite(SafeFileHandle fd, ulong offset, ReadOnlySpan<byte> from, out int done)
    {
        done = 0;
        if (Faults.Hit(nameof(pwrite), out var error))
            return error;
        nint result;
        fixed (byte* p = from)
        {
            do
            {
                result = pwrite(fd, p, (nuint)from.Length, (long)offset);
                error = result < 0 ? Errno.Last : Errno.None;
            }
            while (error == Errno.EINTR);
        }
        if (error.Ok)
            done = (int)result;
        return error;
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int ftruncate(SafeFileHandle fd, long length);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int fallocate(SafeFileHandle fd, int mode, long offset, long length);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial long lseek(SafeFileHandle fd, long offset, int whence);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial nint pread(SafeFileHandle fd, byte* into, nuint length, long offset);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial nint pwrite(SafeFileHandle fd, byte* from, nuint length, long offset);
}
