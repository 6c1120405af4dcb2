using System.Diagnostics;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Linux;

public class PidfdTests
{
    const int SigKill = 9;

    [Fact]
    public void Process_IsSeenToEnd()
    {
        using Process sleeper = Process.Start("sleep", "60");
        Assert.Equal(Errno.None, Pidfd.Open(sleeper.Id, out SafeFileHandle? fd));
        using (fd)
        {
            Assert.Equal(Errno.None, Pidfd.Poll(fd!, 0, out bool before));
            Assert.Equal(Errno.None, Pidfd.SendSignal(fd!, SigKill));
            Assert.Equal(Errno.None, Pidfd.Poll(fd!, 30_000, out bool after));

            Assert.Equal((false, true), (before, after));
        }
        sleeper.WaitForExit();
    }

    [Fact]
    public void Open_OfNobody_SaysSo()
    {
        Assert.Equal(Errno.ESRCH, Pidfd.Open(0x3fff_ffff, out SafeFileHandle? none));
        Assert.Equal(Errno.EINVAL, Pidfd.Open(-1, out _));
        Assert.Null(none);
    }

    [Fact]
    public void Poll_RunsOutOfTime_WithoutError()
    {
        Assert.Equal(Errno.None, Pidfd.Open(Environment.ProcessId, out SafeFileHandle? self));
        using (self)
        {
            Assert.Equal(Errno.None, Pidfd.Poll(self!, 10, out bool exited));
            Assert.Equal(Errno.None, Pidfd.SendSignal(self!, 0));
            Assert.False(exited);
        }
    }

    [Fact]
    public void ClosedDescriptor_IsReported()
    {
        Assert.Equal(Errno.None, Pidfd.Open(Environment.ProcessId, out SafeFileHandle? self));
        self!.Dispose();

        Assert.Equal(Errno.EBADF, Pidfd.Poll(self, 0, out _));
    }
}
