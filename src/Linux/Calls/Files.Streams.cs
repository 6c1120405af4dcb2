using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

// Bytes at a descriptor's own position, of pipes and standard streams too: read(2), write(2).
public static unsafe partial class Files
{
    /// <summary>Reads what is there, or waits for it: read(2).</summary>
    /// <param name="fd">Open for reading.</param>
    /// <param name="into">Receives the bytes.</param>
    /// <param name="done">Bytes read; fewer than asked is no failure, 0 is the end.</param>
    /// <returns>EAGAIN, EBADF, EIO: read(2).</returns>
    public static Errno Read(SafeFileHandle fd, Span<byte> into, out int done)
    {
        Errno error;
        nint result;
        fixed (byte* start = into)
        {
            do
            {
                done = 0;
                if (Faults.Hit(nameof(read), out error))
                    return error;
                result = read(fd, start, (nuint)into.Length);
                error = result < 0 ? Errno.Last : Errno.None;
            }
            while (error == Errno.EINTR);
        }
        done = (int)Math.Max(result, 0);
        return error;
    }

    /// <summary>Writes what fits: write(2).</summary>
    /// <param name="fd">Open for writing.</param>
    /// <param name="from">The bytes.</param>
    /// <param name="done">Bytes written; fewer than asked is no failure, and the reason comes with the next call.</param>
    /// <returns>EAGAIN, EBADF, EFBIG, EIO, ENOSPC, EPIPE: write(2).</returns>
    public static Errno Write(SafeFileHandle fd, ReadOnlySpan<byte> from, out int done)
    {
        Errno error;
        nint result;
        fixed (byte* start = from)
        {
            do
            {
                done = 0;
                if (Faults.Hit(nameof(write), out error))
                    return error;
                result = write(fd, start, (nuint)from.Length);
                error = result < 0 ? Errno.Last : Errno.None;
            }
            while (error == Errno.EINTR);
        }
        done = (int)Math.Max(result, 0);
        return error;
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial nint read(SafeFileHandle fd, byte* into, nuint count);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial nint write(SafeFileHandle fd, byte* from, nuint count);
}
