using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Ctl.Screen;

/// <summary>
/// Standard output or error. The runtime's own stream takes no notice of a reader that has gone, so that <c>watch | head</c> would never
/// end.
/// </summary>
sealed class StandardOutput(int descriptor) : Stream
{
    readonly SafeFileHandle _file = new(descriptor, ownsHandle: false);

    public override bool CanRead => false;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        for (var rest = buffer; rest.Length > 0;)
        {
            var error = Files.Write(_file, rest, out var done);
            rest = rest[done..];
            if (error == Errno.EPIPE)
                throw new OutputClosedException();
            if (error == Errno.EAGAIN)
                Thread.Sleep(1);
            else if (error.Failed)
                throw CtlException.Refused($"cannot write: {error.Text}");
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
}

/// <summary>The reader of the output has gone.</summary>
sealed class OutputClosedException : Exception;
