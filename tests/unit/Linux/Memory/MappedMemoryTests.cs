using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Unit.Linux.Make;

namespace HostMemd.Unit.Linux;

public class MappedMemoryTests
{
    static readonly ulong s_page = Host.PageSize;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1024)]
    public void Map_IsAligned_AndHasOneGuardPageBehind(ulong alignmentMiB)
    {
        using var fd = Memfd(3 * MiB);
        using var memory = Shared(fd, 3 * MiB, alignmentMiB * MiB);

        var mapping = Mapping(memory.Address)!;
        var guard = Mapping(memory.Address + memory.Length)!;

        Assert.Equal(0ul, memory.Address % (alignmentMiB * MiB));
        Assert.Equal((memory.Address, memory.Address + 3 * MiB), (mapping.Start, mapping.End));
        Assert.Equal("rw-s", mapping.Permissions);
        Assert.Equal(("---p", 0ul), (guard.Permissions, guard.Inode));
        Assert.Equal(memory.Address + memory.Length + s_page, guard.End);
    }

    [Fact]
    public void Map_WithoutGuard_LeavesNothingBehind()
    {
        using var fd = Memfd(MiB);
        using var memory = Memory(new MapRequest { Length = MiB, Flags = Mman.MAP_SHARED, File = fd, Alignment = 64 * MiB });

        Assert.NotEqual("---p", Mapping(memory.Address + memory.Length)?.Permissions);
    }

    [Fact]
    public void Map_RoundsUpToThePage()
    {
        using var memory = Anonymous(5000);

        Assert.Equal(2 * s_page, memory.Length);
    }

    [Fact]
    public void Map_OfAFileOffset_ShowsThatPart()
    {
        using var fd = Memfd(2 * s_page);
        Assert.Equal(Errno.None, Files.PWrite(fd, s_page, "there"u8, out _));
        using var memory = Memory(new MapRequest { Length = s_page, Flags = Mman.MAP_SHARED, File = fd, Offset = s_page });
        var seen = new byte[5];

        Assert.Equal(Errno.None, memory.Read(0, seen));
        Assert.Equal("there"u8, seen);
    }

    public static readonly TheoryData<ulong, ulong, string> Refusals = new()
    {
        { 0, 0, "EINVAL" },
        { 4096, 3 * MiB, "EINVAL" },
        { ulong.MaxValue, 0, "ENOMEM" },
        { ulong.MaxValue - 8191, 2 * MiB, "ENOMEM" },
        { 1ul << 63, 0, "ENOMEM" },
        { 1ul << 62, 0, "ENOMEM" },
        { 4096, 1ul << 63, "ENOMEM" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Map_OfTheImpossible_IsRefused(ulong length, ulong alignment, string expected)
    {
        const int Flags = Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS | Mman.MAP_NORESERVE;
        MapRequest request = new() { Length = length, Alignment = alignment, Flags = Flags };

        Assert.Equal(expected, MappedMemory.Map(request, out var memory).Name);
        Assert.Null(memory);
    }

    [Fact]
    public void Map_ThatTheFileRefuses_LeavesNothingMapped()
    {
        const ulong Odd = 0x7_3000_1000; // 29 GiB: nothing else here is as large by chance
        using var fd = Memfd(Odd);
        using var readOnly = Reopened(fd, Files.O_RDONLY);
        MapRequest request = new() { Length = Odd, Flags = Mman.MAP_SHARED, File = readOnly, Guard = true };

        var error = MappedMemory.Map(request, out _);

        Assert.Equal(Errno.EACCES, error);
        Assert.DoesNotContain(Procfs.Maps(), m => m.Permissions == "---p" && m.End - m.Start is >= Odd - 0x10000 and <= Odd + 0x200000);
    }

    [Fact]
    public void Map_WithSharedValidate_StillFindsItsPlace()
    {
        using var fd = Memfd(MiB);
        MapRequest request = new() { Length = MiB, Flags = Mman.MAP_SHARED_VALIDATE, File = fd, Alignment = 2 * MiB, Guard = true };

        using var memory = Memory(request);

        Assert.Equal(0ul, memory.Address % (2 * MiB));
    }

    [Fact]
    public void Map_WithSyncOnMemory_IsNotSupported()
    {
        using var fd = Memfd(MiB);
        MapRequest request = new() { Length = MiB, Flags = Mman.MAP_SHARED_VALIDATE | Mman.MAP_SYNC, File = fd };

        Assert.Equal(Errno.EOPNOTSUPP, MappedMemory.Map(request, out _));
    }

    [Fact]
    public void Dispose_UnmapsMemoryAndGuard()
    {
        using var fd = Memfd(MiB);
        var memory = Shared(fd, MiB);
        Files.Status(fd, out var file);
        Assert.Equal(1, Procfs.CountMapsOf(file.DeviceText, file.Inode));

        memory.Dispose();

        Assert.Equal(0, Procfs.CountMapsOf(file.DeviceText, file.Inode));
    }

    [Fact]
    public void AfterDispose_CallsFail_AndDoNotThrow()
    {
        var memory = Anonymous(MiB);
        memory.Dispose();

        Assert.Equal(Errno.EFAULT, memory.Advise(0, MiB, Mman.MADV_DONTDUMP));
        Assert.Equal(Errno.EFAULT, memory.Resident(out _));
        Assert.Equal(Errno.EFAULT, memory.Write(0, "x"u8));
    }

    [Theory]
    [InlineData(MiB, 1)]
    [InlineData(0, MiB + 1)]
    [InlineData(ulong.MaxValue, 2)]
    public void RangeOutsideTheMemory_IsRefused(ulong offset, ulong length)
    {
        using var memory = Anonymous(MiB, guard: true);

        Assert.Equal(Errno.EINVAL, memory.Advise(offset, length, Mman.MADV_DONTDUMP));
        Assert.Equal(Errno.EINVAL, memory.Touch(offset, length, s_page, write: true));
        Assert.Equal(Errno.EINVAL, memory.NodesOf(offset, length, s_page, new int[1000]));
    }

    [Fact]
    public void Advice_IsSeenInSmaps()
    {
        using var fd = Memfd(MiB);
        using var memory = Shared(fd, MiB);

        Assert.Equal(Errno.None, memory.Advise(0, MiB, Mman.MADV_DONTDUMP));
        Assert.Equal(Errno.None, memory.Advise(0, MiB, Mman.MADV_DONTFORK));

        var entry = Assert.Single(SmapsTable.Read().Find(memory.Address, memory.Length).ToArray());
        Assert.True(entry.Flags.Contains("dd") && entry.Flags.Contains("dc"), entry.Flags.Text);
    }

    [FactIf(Need.PopulateWrite)]
    public void Populate_MakesAllResident()
    {
        using var memory = Anonymous(130 * MiB); // more than one step of mincore
        Assert.Equal(Errno.None, memory.Resident(out var before));

        Assert.Equal(Errno.None, memory.Populate(0, memory.Length, write: true));

        Assert.Equal(Errno.None, memory.Resident(out var after));
        Assert.Equal((0ul, 130 * MiB), (before, after));
    }

    [Fact]
    public void WriteAndRead_OfForbiddenMemory_FailWithoutASignal()
    {
        MapRequest request = new() { Length = MiB, Protection = Mman.PROT_NONE, Flags = Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS };
        using var memory = Memory(request);

        Assert.Equal(Errno.EFAULT, memory.Write(0, "x"u8));
        Assert.Equal(Errno.EFAULT, memory.Read(0, new byte[1]));
    }
}
