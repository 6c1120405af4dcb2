using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Unit.Linux.Make;

namespace HostMemd.Unit.Linux;

public class TouchTests(Tmpfs tmpfs) : IClassFixture<Tmpfs>
{
    static readonly ulong s_page = Host.PageSize;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Touch_BringsInEveryPage_AndKeepsContents(bool write)
    {
        using var fd = Memfd(4 * MiB);
        using var memory = Shared(fd, 4 * MiB);
        var seen = new byte[5];
        Assert.Equal(Errno.None, memory.Write(2 * s_page, "there"u8));

        Assert.Equal(Errno.None, memory.Touch(0, memory.Length, s_page, write));

        Assert.Equal(Errno.None, memory.Resident(out var bytes));
        Assert.Equal(Errno.None, memory.Read(2 * s_page, seen));
        Assert.Equal(4 * MiB, bytes);
        Assert.Equal("there"u8, seen);
    }

    [Fact]
    public void Touch_ForWriting_GivesPrivateMemoryPagesOfItsOwn()
    {
        using var memory = Anonymous(MiB);

        Assert.Equal(Errno.None, memory.Touch(0, MiB, s_page, write: true));

        Assert.True(SmapsTable.Read().Find(memory.Address, MiB)[0].Rss >= MiB);
    }

    [Fact]
    public void Touch_OfReadOnlyMemoryForWriting_IsRefused()
    {
        using var memory = Memory(new MapRequest
        {
            Length = MiB,
            Protection = Mman.PROT_READ,
            Flags = Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS,
        });

        Assert.Equal(Errno.EFAULT, memory.Touch(0, MiB, s_page, write: true));
        Assert.Equal(Errno.None, memory.Touch(0, MiB, s_page, write: false));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Touch_BehindTheEndOfTheFile_FailsWithoutASignal(bool write)
    {
        using var fd = Memfd(s_page);
        using var memory = Shared(fd, MiB);

        Assert.Equal(Errno.EFAULT, memory.Touch(0, MiB, s_page, write));
        Assert.Equal(Errno.EFAULT, memory.Write(2 * s_page, "x"u8));
    }

    [TheoryIf(Need.Root)]
    [InlineData(true)]
    [InlineData(false)]
    public void Touch_OfAFullFileSystem_FailsWithoutASignal(bool write)
    {
        Assert.Equal(Errno.None, Files.MakeTemporary(tmpfs.Path + "/touch.XXXXXX", out var fd, out var path));
        using (fd)
        {
            Assert.Equal(Errno.None, Files.Unlink(path));
            Assert.Equal(Errno.None, Files.Truncate(fd!, 4 * MiB));
            using var memory = Shared(fd!, 4 * MiB);

            Assert.Equal(Errno.EFAULT, memory.Touch(0, memory.Length, s_page, write));
        }
    }

    [FactIf(Need.Root, Need.PopulateWrite)]
    public void Populate_OfAFullFileSystem_FailsLikeTouch()
    {
        Assert.Equal(Errno.None, Files.MakeTemporary(tmpfs.Path + "/populate.XXXXXX", out var fd, out var path));
        using (fd)
        {
            Assert.Equal(Errno.None, Files.Unlink(path));
            Assert.Equal(Errno.None, Files.Truncate(fd!, 4 * MiB));
            using var memory = Shared(fd!, 4 * MiB);

            Assert.Equal(Errno.EFAULT, memory.Populate(0, memory.Length, write: true));
        }
    }

    [FactIf(Need.Root)]
    public void Allocate_OfAFullFileSystem_SaysSo()
    {
        Assert.Equal(Errno.None, Files.MakeTemporary(tmpfs.Path + "/allocate.XXXXXX", out var fd, out var path));
        using (fd)
        {
            Assert.Equal(Errno.None, Files.Unlink(path));
            Assert.Equal(Errno.None, Files.FileSystem(fd!, out var status));

            Assert.Equal(Errno.ENOSPC, Files.Allocate(fd!, 0, 0, 4 * MiB));
            Assert.True(status.IsTmpfs);
            Assert.Equal(MiB, status.Total);
        }
    }
}
