using System.Globalization;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Unit.Linux.Make;

namespace HostMemd.Unit.Linux;

/// <summary>Whether a write lease tells that nobody else has the file open or mapped.</summary>
public class WriteLeaseTests
{
    static SafeFileHandle ReopenedMemfd()
    {
        using SafeFileHandle first = Memfd(MiB);
        return Reopened(first);
    }

    static bool Alone(SafeFileHandle fd)
    {
        Assert.Equal(Errno.None, Files.TryWriteLease(fd, out bool alone));
        return alone;
    }

    [FactIf(Need.Leases)]
    public void ReopenedMemfd_IsAlone_AgainAndAgain()
    {
        using SafeFileHandle fd = ReopenedMemfd();

        Assert.True(Alone(fd));
        Assert.True(Alone(fd));
    }

    [TheoryIf(Need.Leases)]
    [InlineData(Files.O_RDWR)]
    [InlineData(Files.O_RDONLY)]
    public void SecondOpenFile_IsSeen_UntilItIsClosed(int flags)
    {
        using SafeFileHandle fd = ReopenedMemfd();
        SafeFileHandle other = Reopened(fd, flags);

        Assert.False(Alone(fd));
        other.Dispose();
        Assert.True(Alone(fd));
    }

    [FactIf(Need.Leases)]
    public void MappingWhoseDescriptorIsClosed_IsSeen_UntilItIsUnmapped()
    {
        using SafeFileHandle fd = ReopenedMemfd();
        SafeFileHandle other = Reopened(fd);
        MappedMemory memory = Shared(other, MiB);
        other.Dispose();

        Assert.False(Alone(fd));
        memory.Dispose();
        Assert.True(Alone(fd));
    }

    [FactIf(Need.Leases)]
    public void OwnMapping_OfTheSameOpenFile_DoesNotCount()
    {
        using SafeFileHandle fd = ReopenedMemfd();
        using MappedMemory memory = Shared(fd, MiB);

        Assert.True(Alone(fd));
    }

    // Why it has to be reopened: the kernel does not count the open file that memfd_create made.
    [FactIf(Need.Leases)]
    public void FirstOpenFileOfAMemfd_GivesTheWrongAnswer()
    {
        using SafeFileHandle fd = Memfd(MiB);
        Assert.False(Alone(fd));

        using SafeFileHandle other = Reopened(fd);
        Assert.True(Alone(fd));
    }

    [FactIf(Need.Leases)]
    public void FileOnDisk_IsAlone_UntilOpenedTwice()
    {
        using Scratch scratch = new();
        Assert.Equal(Errno.None, Files.MakeTemporary(scratch.Path + "/XXXXXX", out SafeFileHandle? fd, out _));
        using (fd)
        {
            Assert.True(Alone(fd!));
            using SafeFileHandle other = Reopened(fd!);
            Assert.False(Alone(fd!));
        }
    }

    // With the default signal, SIGIO, this would end the test run.
    [FactIf(Need.Leases)]
    public void OpeningWhileTheLeaseIsHeld_DoesNotKillTheHolder()
    {
        using SafeFileHandle fd = ReopenedMemfd();
        Assert.True(Alone(fd)); // whatever this leaves behind must not matter
        Assert.Equal(Errno.None, Files.TakeLease(fd));
        string path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{fd.DangerousGetHandle()}");

        Errno refused = Files.Open(path, Files.O_RDWR | Files.O_NONBLOCK, 0, out _);

        Assert.Equal(Errno.EAGAIN, refused);
        Assert.Equal(Errno.None, Files.ReturnLease(fd));
        Assert.True(Alone(fd));
    }

    [FactIf(Need.Leases)]
    public void Directory_CannotBeLeased()
    {
        using Scratch scratch = new();
        Assert.Equal(Errno.None, Files.Open(scratch.Path, Files.O_RDONLY | Files.O_DIRECTORY, 0, out SafeFileHandle? directory));
        using (directory)
            Assert.Equal(Errno.EINVAL, Files.TryWriteLease(directory!, out _));
    }
}
