using System.Globalization;
using System.Text;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Start;

/// <summary>
/// The file of <c>--pidfile</c>. As QEMU's it stays locked while the process runs, so one left by a crash is told from one in use.
/// </summary>
static unsafe class PidFile
{
    /// <returns>The lock: keep it open.</returns>
    /// <exception cref="StartException">It cannot be written, or another process holds it. The texts are QEMU's.</exception>
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
                // Between open and lock the holder may have ended and removed the file: the lock would be on a nameless one.
                if (Files.Status(fd, out var opened).Ok && Files.StatusOf(path, out var named).Ok
                    && opened.Device == named.Device && opened.Inode == named.Inode)
                {
                    // Before it is written: what cannot be written goes away, as with QEMU.
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
        // Of the open file, not of the process: closing another descriptor of the file does not give it up. fcntl(2).
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
            // Where there is room for a part, the reason comes with the rest.
            fixed (byte* start = text)
                written = Posix.write(fd, start, (nuint)text.Length);
            if (written < 0 && Errno.Last != Errno.EINTR)
                throw Failed("Failed to write pid file");
            text = text[(int)Math.Max(0, written)..];
        }
    }

    static StartException Failed(string what) => new($"cannot create PID file: {what}: {Errno.Last.Text}");
}
