using System.Text;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Start;

/// <summary>
/// Writes the last text of a process that ends, by write(2). Console throws where a stream leads into a full disk or a file that has
/// reached RLIMIT_FSIZE, and the process would end by a signal instead of its exit status.
/// </summary>
static class StandardStreams
{
    // For a stream that does not block and is not read.
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2), s_pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Writes to standard error. A failure cannot be reported; the exit status stands.</summary>
    public static void WriteError(string text) => Write(2, text);

    /// <summary>Writes to standard output. A pipe whose reader has closed it is no failure.</summary>
    /// <exception cref="StartException">The text cannot be written.</exception>
    public static void WriteOutput(string text)
    {
        var errno = Write(1, text);
        if (errno.Failed && errno != Errno.EPIPE)
            throw new StartException($"cannot write to standard output: {errno.Text}");
    }

    static Errno Write(int stream, string text)
    {
        ReadOnlySpan<byte> bytes = Encoding.UTF8.GetBytes(text);
        using var file = new SafeFileHandle(stream, ownsHandle: false);
        var until = Environment.TickCount64 + (long)s_patience.TotalMilliseconds;
        while (bytes.Length > 0)
        {
            var errno = Files.Write(file, bytes, out var written);
            if (errno == Errno.EAGAIN && Environment.TickCount64 < until)
                Thread.Sleep(s_pause);
            else if (errno.Failed)
                return errno;
            bytes = bytes[written..];
        }
        return Errno.None;
    }
}
