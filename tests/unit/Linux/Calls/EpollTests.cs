using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Linux;

public sealed class EpollTests : IDisposable
{
    readonly Epoll _epoll;
    readonly SafeFileHandle _read, _write;

    public EpollTests()
    {
        Assert.Equal(Errno.None, Epoll.Create(batch: 4, out var epoll));
        Assert.Equal(Errno.None, Pipes.Create(out var read, out var write));
        (_epoll, _read, _write) = (epoll!, read!, write!);
    }

    int Number => (int)_read.DangerousGetHandle();

    int Ready()
    {
        Assert.Equal(Errno.None, _epoll.Wait(0, out var count));
        return count;
    }

    [Fact]
    public void ReadyDescriptor_IsReportedWithItsData_UntilItIsRead()
    {
        Assert.Equal(Errno.None, _epoll.Add(Number, Epoll.EPOLLIN, long.MinValue + 1));
        Assert.Equal(0, Ready());

        Assert.Equal(Errno.None, Files.Write(_write, [1], out _));

        Assert.Equal((1, 1), (Ready(), Ready()));
        Assert.Equal(long.MinValue + 1, _epoll.Data(0));
        Assert.Equal(Errno.None, Files.Read(_read, new byte[1], out _));
        Assert.Equal(0, Ready());
    }

    [Fact]
    public void OneShot_IsReportedOnce()
    {
        Assert.Equal(Errno.None, _epoll.Add(Number, Epoll.EPOLLIN | Epoll.EPOLLONESHOT, 1));
        Assert.Equal(Errno.None, Files.Write(_write, [1], out _));

        Assert.Equal((1, 0), (Ready(), Ready()));
    }

    [Fact]
    public void RemovedDescriptor_IsNotReported()
    {
        Assert.Equal(Errno.None, _epoll.Add(Number, Epoll.EPOLLIN, 1));
        Assert.Equal(Errno.EEXIST, _epoll.Add(Number, Epoll.EPOLLIN, 1));
        Assert.Equal(Errno.None, _epoll.Remove(Number));
        Assert.Equal(Errno.ENOENT, _epoll.Remove(Number));
        Assert.Equal(Errno.None, Files.Write(_write, [1], out _));

        Assert.Equal(0, Ready());
    }

    public void Dispose()
    {
        _epoll.Dispose();
        _read.Dispose();
        _write.Dispose();
    }
}
