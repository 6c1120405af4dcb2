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
        using var first = Memfd(MiB);
        return Reopened(first);
    }

    static bool Alone(SafeFileHandle fd)
    {
        Assert.Equal(Errno.None, Files.TryWriteLease(fd, out var alone));
        return alone;
    }

    [FactIf(Need.Leases)]
    public void ReopenedMemfd_IsAlone_AgainAndAgain()
    {
        using var fd = ReopenedMemfd();

        Assert.True(Alone(fd));
        Assert.True(Alone(fd));
    }

    [TheoryIf(Need.Leases)]
    [InlineData(Files.O_RDWR)]
    [InlineData(Files.O_RDONLY)]
    public void SecondOpenFile_IsSeen_UntilItIsClosed(int flags)
    {
        using var fd = ReopenedMemfd();
        var other = Reopened(fd, flags);

        Assert.False(Alone(fd));
        other.Dispose();
        Assert.True(Alone(fd));
    }

    [FactIf(Need.Leases)]
    public void MappingWhoseDescriptorIsClosed_IsSeen_UntilItIsUnmapped()
    {
        using var fd = ReopenedMemfd();
        var other = Reopened(fd);
        var memory = Shared(other, MiB);
        other.Dispose();

        Assert.False(Alone(fd));
        memory.Dispose();
        Assert.True(Alone(fd));
    }

    [FactIf(Need.Leases)]
    public void OwnMapping_OfTheSameOpenFile_DoesNotCount()
    {
        using var fd = ReopenedMemfd();
        using var memory = Shared(fd, MiB);

        Assert.True(Alone(fd));
    }

    // Why it has to be reopened: the kernel does not count the open file that memfd_create made.
    [FactIf(Need.Leases)]
    public void FirstOpenFileOfAMemfd_GivesTheWrongAnswer()
    {
        using var fd = Memfd(MiB);
        Assert.False(Alone(fd));

        using var other = Reopened(fd);
        Assert.True(Alone(fd));
    }

    [FactIf(Need.Leases)]
    public void FileOnDisk_IsAlone_UntilOpenedTwice()
    {
        using Scratch scratch = new();
        Assert.Equal(Errno.None, Files.MakeTemporary(scratch.Path + "/XXXXXX", out var fd, out _));
        using (fd)
        {
            Assert.True(Alone(fd!));
            using var other = Reopened(fd!);
            Assert.False(Alone(fd!));
        }
    }

    // With the default signal, SIGIO, this would end the test run.
    [FactIf(Need.Leases)]
    public void OpeningWhileTheLeaseIsHeld_DoesNotKillTheHolder()
    {
        using var fd = ReopenedMemfd();
        Assert.True(Alone(fd)); // whatever this leaves behind must not matter
        Assert.Equal(Errno.None, Files.TakeLease(fd));
        var path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{fd.DangerousGetHandle()}");

        var refused = Files.Open(path, Files.O_RDWR | Files.O_NONBLOCK, 0, out _);

        Assert.Equal(Errno.EAGAIN, refused);
        Assert.Equal(Errno.None, Files.ReturnLease(fd));
        Assert.True(Alone(fd));
    }

    [FactIf(Need.Leases)]
    public void Directory_CannotBeLeased()
    {
        using Scratch scratch = new();
        Assert.Equal(Errno.None, Files.Open(scratch.Path, Files.O_RDONLY | Files.O_DIRECTORY, 0, out var directory));
        using (directory)
            Assert.Equal(Errno.EINVAL, Files.TryWriteLease(directory!, out _));
    }
}
