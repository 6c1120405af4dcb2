using System.Globalization;
using System.Text;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Start;

/// <summary>
/// The file of <c>--pidfile</c>. As with QEMU it stays locked while the process runs, which distinguishes it from one that a crash left.
/// </summary>
static class PidFile
{
    /// <summary>Makes, locks and writes the file.</summary>
    /// <returns>The lock, held until it is disposed of.</returns>
    /// <exception cref="StartException">The file cannot be written, or another process holds it. The texts are QEMU's.</exception>
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
                // Between open and lock the process that held the file may have ended and removed it: the lock would be on a nameless file.
                var errno = Files.StatusOf(path, out var named);
                if (errno != Errno.ENOENT)
                    Check(errno, "Cannot look at pid file");
                if (errno.Ok && opened.Device == named.Device && opened.Inode == named.Inode)
                {
                    // Before it is written: a file that cannot be written is removed, as with QEMU.
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
