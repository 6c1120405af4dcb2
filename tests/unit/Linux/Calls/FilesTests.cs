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
        Assert.Equal(Errno.None, Files.MakeTemporary(_scratch.Path + "/a b.XXXXXX", out var fd, out path));
        return fd!;
    }

    static bool ClosesOnExec(SafeFileHandle fd)
    {
        var flags = Procfs.Field(File.ReadAllBytes($"/proc/self/fdinfo/{fd.DangerousGetHandle()}"), "flags")!;
        return (Convert.ToInt32(flags, 8) & Files.O_CLOEXEC) != 0;
    }

    [Fact]
    public void EveryDescriptor_ClosesOnExec()
    {
        using var temporary = Temporary(out var path);
        using var memfd = Memfd(MiB);
        using var reopened = Reopened(memfd);
        Assert.Equal(Errno.None, Files.Duplicate(memfd, out var duplicate));
        Assert.Equal(Errno.None, Files.Open(path, Files.O_RDONLY, 0, out var opened));
        Assert.Equal(Errno.None, Files.Open(_scratch.Path, Files.O_RDONLY | Files.O_DIRECTORY, 0, out var directory));
        Assert.Equal(Errno.None, Files.OpenBeneath(directory!, Path.GetFileName(path), Files.O_RDONLY, 0, 0, out var beneath));
        Assert.Equal(Errno.None, Pidfd.Open(Environment.ProcessId, out var process));
        using SafeFileHandle d = duplicate!, o = opened!, f = directory!, b = beneath!, p = process!;

        Assert.All([temporary, memfd, reopened, d, o, f, b, p], fd => Assert.True(ClosesOnExec(fd)));
    }

    [Fact]
    public void MakeTemporary_IsPrivate_AndGoneAfterUnlink()
    {
        using var fd = Temporary(out var path);
        Assert.Equal(Errno.None, Files.StatusOf(path, out var named));
        Assert.Equal(Errno.None, Files.Unlink(path));
        Assert.Equal(Errno.None, Files.Status(fd, out var unnamed));

        Assert.True(named.IsRegular);
        Assert.Equal(0x180u, named.Mode & 0xfff); // 0600
        Assert.Equal((named.Device, named.Inode), (unnamed.Device, unnamed.Inode));
        Assert.Equal((1u, 0u), (named.Links, unnamed.Links));
        Assert.Equal(Errno.ENOENT, Files.StatusOf(path, out _));
    }

    [Fact]
    public void Status_TellsSizeAndBlocks()
    {
        using var fd = Memfd(MiB);
        Assert.Equal(Errno.None, Files.Status(fd, out var sparse));

        Assert.Equal(Errno.None, Files.Allocate(fd, Files.FALLOC_FL_KEEP_SIZE, 0, 2 * MiB));

        Assert.Equal(Errno.None, Files.Status(fd, out var filled));
        Assert.Equal(Errno.None, Files.End(fd, out var end));
        Assert.Equal((MiB, 0ul), (sparse.Size, sparse.Blocks));
        Assert.Equal((MiB, 2 * MiB / 512), (filled.Size, filled.Blocks));
        Assert.Equal(MiB, end);
    }

    [Fact]
    public void Status_OfAMemfd_IsWhatMapsShow()
    {
        using var fd = Memfd(MiB);
        using var memory = Shared(fd, MiB);
        Assert.Equal(Errno.None, Files.Status(fd, out var status));

        var mapping = Mapping(memory.Address)!;

        Assert.Equal((status.DeviceText, status.Inode), (mapping.Device, mapping.Inode));
        Assert.Equal("/memfd:test (deleted)", mapping.Path);
    }

    [Fact]
    public void Status_TellsDirectoriesAndDevicesApart()
    {
        Assert.Equal(Errno.None, Files.StatusOf("/", out var directory));
        Assert.Equal(Errno.None, Files.StatusOf("/dev/null", out var device));

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
        Assert.Equal(Errno.None, Files.Open(_scratch.Path, Files.O_RDONLY | Files.O_DIRECTORY, 0, out var directory));
        using (directory)
        {
            var error = Files.OpenBeneath(directory!, path, Files.O_RDONLY, 0, resolve, out var fd);
            fd?.Dispose();

            Assert.Equal(expected, error.Name);
        }
    }

    [Fact]
    public void PWrite_IsReadBack_ByTheDuplicate()
    {
        using var fd = Memfd(0);
        Assert.Equal(Errno.None, Files.Duplicate(fd, out var other));
        var seen = new byte[10];

        Assert.Equal(Errno.None, Files.PWrite(fd, 100, "there"u8, out var written));
        Assert.Equal(Errno.None, Files.PRead(other!, 100, seen, out var read));

        Assert.Equal((5, 5), (written, read));
        Assert.Equal("there"u8, seen.AsSpan(0, 5));
        other!.Dispose();
    }

    [Fact]
    public void ShmName_IsTakenUntilUnlinked()
    {
        var name = $"/hostmemd-test-{Guid.NewGuid():n}";
        const int New = Files.O_RDWR | Files.O_CREAT | Files.O_EXCL;

        Assert.Equal(Errno.None, Shm.Open(name, New, 0, out var fd));
        using (fd)
        {
            var taken = Shm.Open(name, New, 0, out _);
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
        foreach (var name in expected)
            File.CreateSymbolicLink(Path.Combine(_scratch.Path, name), "nowhere");
        Assert.Equal(Errno.None, Files.Open(_scratch.Path, Files.O_RDONLY | Files.O_DIRECTORY, 0, out var folder));
        using (folder)
        {
            Assert.Equal(Errno.None, Files.Names(folder!, out var names));

            Assert.Equal(expected, names.Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void StatusAt_FollowsLinks_FromTheFolder()
    {
        var file = _scratch.Write("there/file", "content");
        File.CreateSymbolicLink(Path.Combine(_scratch.Path, "there", "link"), "file");
        Assert.Equal(Errno.None, Files.Open(Path.GetDirectoryName(file)!, Files.O_RDONLY | Files.O_DIRECTORY, 0, out var folder));
        using (folder)
        {
            Assert.Equal(Errno.None, Files.StatusOf(file, out var expected));
            Assert.Equal(Errno.None, Files.StatusAt(folder!, "link", out var status));

            Assert.Equal(expected, status);
            Assert.Equal(Errno.ENOENT, Files.StatusAt(folder!, "missing", out _));
        }
    }

    [Fact]
    public void Names_OfAFile_AreRefused()
    {
        using var file = File.OpenHandle(_scratch.Write("file", ""));
        Assert.Equal("ENOTDIR", Files.Names(file, out var names).Name);
        Assert.Empty(names);
    }
}
