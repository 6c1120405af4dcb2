using HostMemd.Protocol.Wire;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Protocol.Wire;

public class ReceivedDescriptorsTests
{
    static SafeFileHandle New() => File.OpenHandle("/dev/null");

    [Fact]
    public void Take_GivesTheFirstOfItsBatch_AndClosesOlderOnes()
    {
        var received = new ReceivedDescriptors();
        var (old, mine) = (New(), New());
        received.Add([old]);
        received.Add([mine]);

        Assert.Same(mine, received.Take(2));
        Assert.True(old.IsClosed);
        Assert.Null(received.Take(2));
        mine.Dispose();
    }

    // QEMU: a command takes one; what else came with it is closed.
    [Fact]
    public void Take_ClosesTheRestOfTheBatch()
    {
        var received = new ReceivedDescriptors();
        var (first, second) = (New(), New());
        received.Add([first, second]);

        using var taken = received.Take(1);

        Assert.Same(first, taken);
        Assert.True(second.IsClosed);
    }

    [Fact]
    public void Take_LeavesWhatBelongsToALaterMessage()
    {
        var received = new ReceivedDescriptors();
        using var later = New();
        received.Add([New()]);
        received.Add([later]);

        received.Take(1)?.Dispose();

        Assert.False(later.IsClosed);
        Assert.Same(later, received.Take(2));
    }

    [Fact]
    public void Close_ClosesAll_AlsoWhatIsStillToCome()
    {
        var received = new ReceivedDescriptors();
        var (there, late) = (New(), New());
        received.Add([there]);

        received.Close();
        received.Add([late]);

        Assert.True(there.IsClosed && late.IsClosed);
    }
}
