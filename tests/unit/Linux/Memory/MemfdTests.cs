using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Unit.Linux.Make;
using MemfdCalls = HostMemd.Linux.Memfd;

namespace HostMemd.Unit.Linux;

public class MemfdTests
{
    [Fact]
    public void Seals_HoldAgainstEveryOpenFile()
    {
        using var fd = Memfd(MiB, MemfdCalls.MFD_ALLOW_SEALING);
        const int Seals = MemfdCalls.F_SEAL_SEAL | MemfdCalls.F_SEAL_SHRINK | MemfdCalls.F_SEAL_GROW;

        Assert.Equal(Errno.None, MemfdCalls.AddSeals(fd, Seals));

        using var other = Reopened(fd);
        Assert.Equal(Errno.None, MemfdCalls.GetSeals(other, out var seals));
        Assert.Equal(7, seals);
        Assert.Equal(Errno.EPERM, Files.Truncate(other, 0));
        Assert.Equal(Errno.EPERM, MemfdCalls.AddSeals(other, MemfdCalls.F_SEAL_WRITE));
    }

    [Fact]
    public void WithoutAllowSealing_OnlyTheSealOnSealsIsSet()
    {
        using var fd = Memfd(MiB);

        Assert.Equal(Errno.None, MemfdCalls.GetSeals(fd, out var seals));
        Assert.Equal(MemfdCalls.F_SEAL_SEAL, seals);
    }

    // What the kernel makes of every memfd where vm.memfd_noexec is 1 or 2 (memfd_create(2), since Linux 6.3).
    [Fact]
    public void WithoutAllowSealing_NobodyCanSeal_AlsoWhereTheKernelAllowsIt()
    {
        var error = MemfdCalls.Create("test", MemfdCalls.MFD_NOEXEC_SEAL, out var fd);
        if (error == Errno.EINVAL)
            return; // a kernel without the flag makes none of them sealable
        Assert.Equal(Errno.None, error);
        using (fd)
        {
            using var other = Reopened(fd!);
            Assert.Equal(Errno.EPERM, MemfdCalls.AddSeals(other, MemfdCalls.F_SEAL_FUTURE_WRITE));
            Assert.Equal(Errno.EPERM, MemfdCalls.AddSeals(other, MemfdCalls.F_SEAL_WRITE));
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(2 << 20, 21u << 26)]
    [InlineData(1 << 30, 30u << 26)]
    public void HugeFlag_IsTheLogarithm(ulong pageSize, uint expected) => Assert.Equal(expected, MemfdCalls.HugeFlag(pageSize));

    [Fact]
    public void PageSizeTheCpuLacks_IsNoDevice()
    {
        var flags = MemfdCalls.MFD_HUGETLB | MemfdCalls.HugeFlag(4 * MiB);

        Assert.Equal(Errno.ENODEV, MemfdCalls.Create("test", flags, out var fd));
        Assert.Null(fd);
    }

    [Fact]
    public void NameWithNul_IsRefused() => Assert.Equal(Errno.EINVAL, MemfdCalls.Create("a\0b", 0, out _));

    [Fact]
    public void LengthBeyondSigned_IsRefused()
    {
        using var fd = Memfd(0);

        Assert.Equal(Errno.EINVAL, Files.Truncate(fd, ulong.MaxValue));
    }
}
