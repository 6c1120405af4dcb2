using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.HostMemd;

/// <summary>What becomes of the memory is decided by the last word on how the daemon ends.</summary>
public sealed class EndingTests
{
    readonly Daemon _daemon = new(new(), NullLoggerFactory.Instance);

    [Fact]
    public void Signal_IsTheEnding_UntilAClientEndsTheDaemon()
    {
        Assert.Equal(Ending.Signal, _daemon.Ending);
        Assert.False(_daemon.Ended.IsCompleted);

        _daemon.End(Ending.Quit);

        Assert.Equal(Ending.Quit, _daemon.Ending);
        Assert.True(_daemon.Ended.IsCompleted);
    }

    /// <summary>Else a quit that comes at the same time would discard memory that another process serves.</summary>
    [Fact]
    public void Takeover_OverrulesQuit_InEitherOrder()
    {
        _daemon.End(Ending.Quit);
        _daemon.End(Ending.HandedOver);
        Assert.Equal(Ending.HandedOver, _daemon.Ending);

        _daemon.End(Ending.Quit);
        Assert.Equal(Ending.HandedOver, _daemon.Ending);
    }

    [Fact]
    public async Task MemoryOfAnotherProcess_IsNotThisDaemons_UntilItTakesOwnership()
    {
        await _daemon.RestoreAsync([], fromStore: false);
        Assert.Equal(Ending.Undone, _daemon.Ending);

        _daemon.TakeOwnership();
        Assert.Equal(Ending.Signal, _daemon.Ending);
    }
}
