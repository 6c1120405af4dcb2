using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Unit.Linux.Make;

namespace HostMemd.Unit.Linux;

public sealed class FilesTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    SafeFileHandle Temporary(out string path)
    {
        Assert.Equal(Errno.None, Files.MakeTemporary(_scratch.Path + "/a b.XXXXXX", out SafeFileHandle? fd, out path));
        return fd!;
    }

    static bool ClosesOnExec(SafeFileHandle fd)
    {
        string flags = Procfs.Field(File.ReadAllBytes($"/proc/self/fdinfo/{fd.DangerousGetHandle()}"), "flags")!;
        return (Convert.ToInt32(flags, 8) & Files.O_CLOEXEC) != 0;
    }

    [Fact]
    public void EveryDescriptor_ClosesOnExec()
    {
        using SafeFileHandle temporary = Temporary(out string path);
        using SafeFileHandle memfd = Memfd(MiB);
        using SafeFileHandle reopened = Reopened(memfd);
        Assert.Equal(Errno.None, Files.Duplicate(memfd, out SafeFileHandle? duplicate));
        Assert.Equal(Errno.None, Files.Open(path, Files.O_RDONLY, 0, out SafeFileHandle? opened));
        Assert.Equal(Errno.None, Files.Open(_scratch.Path, Files.O_RDONLY | Files.O_DIRECTORY, 0, out SafeFileHandle? directory));
        Assert.Equal(Errno.None, Files.OpenBeneath(directory!, Path.GetFileName(path), Files.O_RDONLY, 0, 0, out SafeFileHandle? beneath));
        Assert.Equal(Errno.None, Pidfd.Open(Environment.ProcessId, out SafeFileHandle? process));
        using SafeFileHandle d = duplicate!, o = opened!, f = directory!, b = beneath!, p = process!;

        Assert.All([temporary, memfd, reopened, d, o, f, b, p], fd => Assert.True(ClosesOnExec(fd)));
    }

    [Fact]
    public void MakeTemporary_IsPrivate_AndGoneAfterUnlink()
    {
        using SafeFileHandle fd = Temporary(out string path);
        Assert.Equal(Errno.None, Files.StatusOf(path, out FileStatus named));
        Assert.Equal(Errno.None, Files.Unlink(path));
        Assert.Equal(Errno.None, Files.Status(fd, out FileStatus unnamed));

        Assert.True(named.IsRegular);
        Assert.Equal(0x180u, named.Mode & 0xfff); // 0600
        Assert.Equal((named.Device, named.Inode), (unnamed.Device, unnamed.Inode));
        Assert.Equal((1u, 0u), (named.Links, unnamed.Links));
        Assert.Equal(Errno.ENOENT, Files.StatusOf(path, out _));
    }

    [Fact]
    public void Status_TellsSizeAndBlocks()
    {
        using SafeFileHandle fd = Memfd(MiB);
        Assert.Equal(Errno.None, Files.Status(fd, out FileStatus sparse));

        Assert.Equal(Errno.None, Files.Allocate(fd, Files.FALLOC_FL_KEEP_SIZE, 0, 2 * MiB));

        Assert.Equal(Errno.None, Files.Status(fd, out FileStatus filled));
        Assert.Equal(Errno.None, Files.End(fd, out ulong end));
        Assert.Equal((MiB, 0ul), (sparse.Size, sparse.Blocks));
        Assert.Equal((MiB, 2 * MiB / 512), (filled.Size, filled.Blocks));
        Assert.Equal(MiB, end);
    }

    [Fact]
    public void Status_OfAMemfd_IsWhatMapsShow()
    {
        using SafeFileHandle fd = Memfd(MiB);
        using MappedMemory memory = Shared(fd, MiB);
        Assert.Equal(Errno.None, Files.Status(fd, out FileStatus status));

        MapsEntry mapping = Mapping(memory.Address)!;

        Assert.Equal((status.DeviceText, status.Inode), (mapping.Device, mapping.Inode));
        Assert.Equal("/memfd:test (deleted)", mapping.Path);
    }

    [Fact]
    public void Status_TellsDirectoriesAndDevicesApart()
    {
        Assert.Equal(Errno.None, Files.StatusOf("/", out FileStatus directory));
        Assert.Equal(Errno.None, Files.StatusOf("/dev/null", out FileStatus device));

        Assert.True(directory.IsDirectory && !directory.IsRegular);
        Assert.True(device.IsCharDevice);
        Assert.Equal((1u, 3u), (device.SpecialMajor, device.SpecialMinor));
    }

    [Fact]
    public void Open_SaysWhy()
    {
        Assert.Equal(Errno.ENOENT, Files.Open(_scratch.Path + "/no", Files.O_RDWR, 0, out _));
        Assert.Equal(Errno.EISDIR, Files.Open(_scratch.Path, Files.O_RDWR, 0, out _));
        Assert.Equal(Errno.ENOENT, Files.Open("", Files.O_RDWR, 0, out _));
        Assert.Equal(Errno.EINVAL, Files.Open("/tmp\0/x", Files.O_RDONLY, 0, out _));
        Assert.Equal(Errno.ENAMETOOLONG, Files.Open("/" + new string('x', 300), Files.O_RDONLY, 0, out _));
        Assert.Equal(Errno.EINVAL, Files.MakeTemporary(_scratch.Path + "/x", out _, out _));
    }

    [Theory]
    [InlineData("../x", Files.RESOLVE_BENEATH, "EXDEV")]
    [InlineData("/etc/passwd", Files.RESOLVE_BENEATH, "EXDEV")]
    [InlineData("link", Files.RESOLVE_BENEATH, "EXDEV")]
    [InlineData("link", Files.RESOLVE_NO_SYMLINKS, "ELOOP")]
    [InlineData("link", 0, "")]
    [InlineData("file", Files.RESOLVE_BENEATH | Files.RESOLVE_NO_SYMLINKS, "")]
    public void OpenBeneath_KeepsToItsRules(string path, ulong resolve, string expected)
    {
        _scratch.Write("file", "");
        File.CreateSymbolicLink(_scratch.Path + "/link", "/etc/passwd");
        Assert.Equal(Errno.None, Files.Open(_scratch.Path, Files.O_RDONLY | Files.O_DIRECTORY, 0, out SafeFileHandle? directory));
        using (directory)
        {
            Errno error = Files.OpenBeneath(directory!, path, Files.O_RDONLY, 0, resolve, out SafeFileHandle? fd);
            fd?.Dispose();

            Assert.Equal(expected, error.Name);
        }
    }

    [Fact]
    public void PWrite_IsReadBack_ByTheDuplicate()
    {
        using SafeFileHandle fd = Memfd(0);
        Assert.Equal(Errno.None, Files.Duplicate(fd, out SafeFileHandle? other));
        byte[] seen = new byte[10];

        Assert.Equal(Errno.None, Files.PWrite(fd, 100, "there"u8, out int written));
        Assert.Equal(Errno.None, Files.PRead(other!, 100, seen, out int read));

        Assert.Equal((5, 5), (written, read));
        Assert.Equal("there"u8, seen.AsSpan(0, 5));
        other!.Dispose();
    }

    [Fact]
    public void ShmName_IsTakenUntilUnlinked()
    {
        string name = $"/hostmemd-test-{Guid.NewGuid():n}";
        const int New = Files.O_RDWR | Files.O_CREAT | Files.O_EXCL;

        Assert.Equal(Errno.None, Shm.Open(name, New, 0, out SafeFileHandle? fd));
        using (fd)
        {
            Errno taken = Shm.Open(name, New, 0, out _);
            Assert.Equal(Errno.None, Shm.Unlink(name));

            Assert.Equal(Errno.EEXIST, taken);
            Assert.True(ClosesOnExec(fd!));
            Assert.Equal(Errno.ENOENT, Shm.Unlink(name));
            Assert.Equal(Errno.None, Files.Truncate(fd!, MiB));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(2000)] // more than one call of the kernel brings
    public void Names_AreAllThatIsInTheFolder(int count)
    {
        string[] expected = [.. Enumerable.Range(0, count).Select(i => $"name-{i:d40} ä")];
        foreach (string name in expected)
            File.CreateSymbolicLink(Path.Combine(_scratch.Path, name), "nowhere");
        Assert.Equal(Errno.None, Files.Open(_scratch.Path, Files.O_RDONLY | Files.O_DIRECTORY, 0, out SafeFileHandle? folder));
        using (folder)
        {
            Assert.Equal(Errno.None, Files.Names(folder!, out List<string> names));

            Assert.Equal(expected, names.Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void StatusAt_FollowsLinks_FromTheFolder()
    {
        string file = _scratch.Write("there/file", "content");
        File.CreateSymbolicLink(Path.Combine(_scratch.Path, "there", "link"), "file");
        Assert.Equal(Errno.None, Files.Open(Path.GetDirectoryName(file)!, Files.O_RDONLY | Files.O_DIRECTORY, 0, out SafeFileHandle? folder));
        using (folder)
        {
            Assert.Equal(Errno.None, Files.StatusOf(file, out FileStatus expected));
            Assert.Equal(Errno.None, Files.StatusAt(folder!, "link", out FileStatus status));

            Assert.Equal(expected, status);
            Assert.Equal(Errno.ENOENT, Files.StatusAt(folder!, "missing", out _));
        }
    }

    [Fact]
    public void Names_OfAFile_AreRefused()
    {
        using SafeFileHandle file = File.OpenHandle(_scratch.Write("file", ""));
        Assert.Equal("ENOTDIR", Files.Names(file, out List<string> names).Name);
        Assert.Empty(names);
    }
}
