using HostMemd.Linux;

namespace HostMemd.Unit.Linux;

public class HostTests
{
    [Fact]
    public void ThisMachine_IsKnown()
    {
        Assert.True(ulong.IsPow2(Host.PageSize));
        Assert.True(Host.MaxMapCount() > 1000);
        Assert.InRange(Host.OvercommitMode(out var known), 0, 2);
        Assert.True(known);
        Assert.Equal(Sysfs.HugePageSizes().Count == 0, Host.DefaultHugePageSize == 0);
    }

    [Fact]
    public void MissingFiles_AreSaidToBe()
    {
        using Scratch proc = new();

        Assert.Equal(0, Host.OvercommitMode(out var known, proc.Path));
        Assert.False(known);
        Assert.Equal(65530ul, Host.MaxMapCount(proc.Path));
    }

    [Fact]
    public void Advice_IsProbedByTrying()
    {
        Assert.True(Host.HasMadvise(Mman.MADV_DONTDUMP));
        Assert.False(Host.HasMadvise(99));
        Assert.Equal(Sysfs.Ksm("run") is not null, Host.HasMadvise(Mman.MADV_MERGEABLE));
    }

    [Fact]
    public void DescriptorLimit_CanBeReadAndSet()
    {
        Assert.Equal(Errno.None, Rlimit.Get(Rlimit.RLIMIT_NOFILE, out var soft, out var hard));

        Assert.Equal(Errno.None, Rlimit.Set(Rlimit.RLIMIT_NOFILE, soft, hard));
        Assert.Equal(Errno.EINVAL, Rlimit.Set(Rlimit.RLIMIT_NOFILE, soft, soft - 1));
        Assert.Equal(Errno.EINVAL, Rlimit.Get(99, out _, out _));
        Assert.InRange(soft, 1ul, hard);
    }

    [FactIf(Need.Ksm)]
    public void Mergeable_IsSeenInSmaps()
    {
        using var memory = Make.Anonymous(Make.MiB);

        Assert.Equal(Errno.None, memory.Advise(0, Make.MiB, Mman.MADV_MERGEABLE));

        Assert.True(SmapsTable.Read().Find(memory.Address, 1)[0].Flags.Contains("mg"));
    }
}
