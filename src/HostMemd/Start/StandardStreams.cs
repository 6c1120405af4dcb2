using System.Text;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Start;

/// <summary>
/// What a process that ends has to say. Written by write(2): Console throws where a stream leads into a full disk or a file that has reached
/// RLIMIT_FSIZE, and that would end the process by a signal instead of the status that says how it went.
/// </summary>
static class StandardStreams
{
    // Of a stream that does not block and is not read.
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2), s_pause = TimeSpan.FromMilliseconds(10);

    /// <summary>To standard error. Where that fails there is nowhere left to say so; the exit status stands.</summary>
    public static void Say(string text) => Write(2, text);

    /// <summary>To standard output, for who asked.</summary>
    /// <exception cref="StartException">It cannot be written. Not for a pipe that is read no more: its reader has what it wanted.</exception>
    public static void Answer(string text)
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
