using System.Globalization;
using System.Text;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Start;

/// <summary>
/// The file of <c>--pidfile</c>. As with QEMU it stays locked while the process runs, which distinguishes it from one that a crash left.
/// </summary>
static unsafe class PidFile
{
    /// <summary>Makes, locks and writes the file.</summary>
    /// <returns>The lock, held until it is disposed of.</returns>
    /// <exception cref="StartException">The file cannot be written, or another process holds it. The texts are QEMU's.</exception>
    public static SafeFileHandle Create(string path, OwnedFiles owned)
    {
        while (true)
        {
            // 0600 as QEMU; an existing file keeps its mode.
            var fd = Posix.Own(Posix.open(path, Posix.O_CREAT | Posix.O_WRONLY | Posix.O_CLOEXEC, 0x180))
                ?? throw Failed($"Could not create '{path}'");
            try
            {
                Lock(fd);
                // Between open and lock the process that held the file may have ended and removed it: the lock would be on a nameless file.
                if (Files.Status(fd, out var opened).Ok && Files.StatusOf(path, out var named).Ok
                    && opened.Device == named.Device && opened.Inode == named.Inode)
                {
                    // Before it is written: a file that cannot be written is removed, as with QEMU.
                    owned.Add(path);
                    Write(fd);
                    return fd;
                }
            }
            catch
            {
                fd.Dispose();
                throw;
            }
            fd.Dispose();
        }
    }

    static void Lock(SafeFileHandle fd)
    {
        // The lock belongs to the open file, not to the process: closing another descriptor of the file does not end it. fcntl(2).
        var whole = new Posix.flock_t { l_type = Posix.F_WRLCK };
        if (Posix.fcntl(fd, Posix.F_OFD_SETLK, (nint)(&whole)) != 0)
            throw Failed("Cannot lock pid file");
    }

    static void Write(SafeFileHandle fd)
    {
        if (Posix.ftruncate(fd, 0) != 0)
            throw Failed("Failed to truncate pid file");
        ReadOnlySpan<byte> text = Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
        while (text.Length > 0)
        {
            nint written;
            // A disk with room for a part only fails at the next write.
            fixed (byte* start = text)
                written = Posix.write(fd, start, (nuint)text.Length);
            if (written < 0 && Errno.Last != Errno.EINTR)
                throw Failed("Failed to write pid file");
            text = text[(int)Math.Max(0, written)..];
        }
    }

    static StartException Failed(string what) => new($"cannot create PID file: {what}: {Errno.Last.Text}");
}
