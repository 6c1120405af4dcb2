using System.Globalization;
using System.Text;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Start;

/// <summary>
/// The file of <c>--pidfile</c>. As QEMU's it stays locked while the process runs, so one left by a crash is told from one in use.
/// </summary>
static class PidFile
{
    /// <returns>The lock: keep it open.</returns>
    /// <exception cref="StartException">It cannot be written, or another process holds it. The texts are QEMU's.</exception>
    public static SafeFileHandle Create(string path, OwnedFiles owned)
    {
        while (true)
        {
            // 0600 as QEMU; an existing file keeps its mode.
            Check(Files.Open(path, Files.O_CREAT | Files.O_WRONLY, (int)Files.OwnerOnly, out var fd), $"Could not create '{path}'");
            try
            {
                Check(Files.TryLock(fd!), "Cannot lock pid file");
                Check(Files.Status(fd!, out var opened), "Cannot look at pid file");
                // Between open and lock the holder may have ended and removed the file: the lock would be on a nameless one.
                var errno = Files.StatusOf(path, out var named);
                if (errno != Errno.ENOENT)
                    Check(errno, "Cannot look at pid file");
                if (errno.Ok && opened.Device == named.Device && opened.Inode == named.Inode)
                {
                    // Before it is written: what cannot be written goes away, as with QEMU.
                    owned.Add(path, opened);
                    Write(fd!);
                    return fd!;
                }
            }
            catch
            {
                fd!.Dispose();
                throw;
            }
            fd!.Dispose();
        }
    }

    static void Write(SafeFileHandle fd)
    {
        Check(Files.Truncate(fd, 0), "Failed to truncate pid file");
        ReadOnlySpan<byte> text = Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
        while (text.Length > 0)
        {
            Check(Files.Write(fd, text, out var written), "Failed to write pid file");
            text = text[written..];
        }
    }

    static void Check(Errno errno, string what)
    {
        if (errno.Failed)
            throw new StartException($"cannot create PID file: {what}: {errno.Text}");
    }
}
