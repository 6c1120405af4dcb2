using System.Diagnostics;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Linux;

public class PidfdTests
{
    [Fact]
    public void Process_IsSeenToEnd()
    {
        using var sleeper = Process.Start("sleep", "60");
        Assert.Equal(Errno.None, Pidfd.Open(sleeper.Id, out var fd));
        using (fd)
        {
            Assert.Equal(Errno.None, Pidfd.Poll(fd!, 0, out var before));
            sleeper.Kill();
            Assert.Equal(Errno.None, Pidfd.Poll(fd!, 30_000, out var after));

            Assert.Equal((false, true), (before, after));
        }
        sleeper.WaitForExit();
    }

    [Fact]
    public void Open_OfNobody_SaysSo()
    {
        Assert.Equal(Errno.ESRCH, Pidfd.Open(0x3fff_ffff, out var none));
        Assert.Equal(Errno.EINVAL, Pidfd.Open(-1, out _));
        Assert.Null(none);
    }

    [Fact]
    public void Poll_RunsOutOfTime_WithoutError()
    {
        Assert.Equal(Errno.None, Pidfd.Open(Environment.ProcessId, out var self));
        using (self)
        {
            Assert.Equal(Errno.None, Pidfd.Poll(self!, 10, out var exited));
            Assert.False(exited);
        }
    }

    [Fact]
    public void ClosedDescriptor_IsReported()
    {
        Assert.Equal(Errno.None, Pidfd.Open(Environment.ProcessId, out var self));
        self!.Dispose();

        Assert.Equal(Errno.EBADF, Pidfd.Poll(self, 0, out _));
    }
}
