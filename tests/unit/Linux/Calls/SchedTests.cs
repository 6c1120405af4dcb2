using System.Text;
using HostMemd.Linux;

namespace HostMemd.Unit.Linux;

public class SchedTests
{
    // A thread of its own: the pool's must stay as they are.
    static T OnThread<T>(Func<T> work)
    {
        T result = default!;
        Thread thread = new(() => result = work());
        thread.Start();
        thread.Join();
        return result;
    }

    [Fact]
    public void SetAffinity_IsReadBack_AndSeenInStatus()
    {
        Assert.Equal(Errno.None, Sched.GetAffinity(0, out var allowed));
        var last = allowed[^1];

        (var set, var cpus, var list) = OnThread(() => (
            Sched.SetAffinity(0, [last, 4000]),
            Sched.GetAffinity(Sched.GetTid(), out var now).Ok ? now : [],
            ProcFile.Text($"/proc/self/task/{Sched.GetTid()}/status")));

        Assert.Equal(Errno.None, set);
        Assert.Equal([last], cpus);
        Assert.Contains($"Cpus_allowed_list:\t{last}\n", list);
    }

    [Fact]
    public void SetAffinity_OfAnotherThread_Works()
    {
        using ManualResetEventSlim started = new(), stop = new();
        var other = 0;
        Thread thread = new(() =>
        {
            other = Sched.GetTid();
            started.Set();
            stop.Wait();
        });
        thread.Start();
        started.Wait();
        Assert.Equal(Errno.None, Sched.GetAffinity(0, out var allowed));

        var error = Sched.SetAffinity(other, [allowed[0]]);
        var got = Sched.GetAffinity(other, out var cpus);
        stop.Set();
        thread.Join();

        Assert.Equal((Errno.None, Errno.None), (error, got));
        Assert.Equal([allowed[0]], cpus);
    }

    [Theory]
    [InlineData(new int[0])]
    [InlineData(new[] { -1 })]
    [InlineData(new[] { 65535 })]
    [InlineData(new[] { int.MaxValue })]
    public void SetAffinity_WithoutAnyCpuThatExists_IsRefused(int[] cpus) =>
        Assert.Equal(Errno.EINVAL, OnThread(() => Sched.SetAffinity(0, cpus)));

    [Fact]
    public void ThreadThatIsGone_IsReported()
    {
        Assert.Equal(Errno.ESRCH, Sched.SetAffinity(0x3fff_ffff, [0]));
        Assert.Equal(Errno.ESRCH, Sched.GetAffinity(0x3fff_ffff, out _));
    }

    [Fact]
    public void NameThread_IsSeenInComm()
    {
        (var error, var comm) = OnThread(() => (
            Sched.NameThread("prealloc-ä-1234"[..14]),
            ProcFile.Text($"/proc/self/task/{Sched.GetTid()}/comm")));

        Assert.Equal(Errno.None, error);
        Assert.Equal("prealloc-ä-123", comm);
    }

    [Fact]
    public void NameThread_BeyondFifteenBytes_IsRefused() =>
        Assert.Equal(Errno.ERANGE, OnThread(() => Sched.NameThread("prealloc-ä-12345")));

    [Fact]
    public void OnlineCpus_AreThoseOfSysfs() =>
        Assert.Equal(BitList.Parse(Encoding.ASCII.GetBytes(ProcFile.Text("/sys/devices/system/cpu/online")!)).Length, Sched.OnlineCpus());
}
