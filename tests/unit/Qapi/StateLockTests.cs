using HostMemd.Qapi;

namespace HostMemd.Unit;

public sealed class StateLockTests
{
    readonly StateLock _state = new();

    [Fact]
    public void AssertHeld_ThrowsUnlessThisThreadHoldsTheLock()
    {
        Assert.Throws<InvalidOperationException>(() => _state.AssertHeld());
        using (_state.Enter())
        {
            _state.AssertHeld();
            using (_state.Enter())
                _state.AssertHeld();
            Assert.IsType<InvalidOperationException>(OnAnotherThread(() => _state.AssertHeld()));
            _state.AssertHeld();
        }
        Assert.Throws<InvalidOperationException>(() => _state.AssertHeld());
    }

    [Fact]
    public void Lock_CanBeHad_UntilAnotherThreadHoldsIt()
    {
        Assert.True(_state.CanBeHadWithin(TimeSpan.Zero));
        using (_state.Enter())
            Assert.Null(OnAnotherThread(() => Assert.False(_state.CanBeHadWithin(TimeSpan.Zero))));
        Assert.Null(OnAnotherThread(() => Assert.True(_state.CanBeHadWithin(TimeSpan.Zero))));
    }

    static Exception? OnAnotherThread(Action act)
    {
        Exception? thrown = null;
        var other = new Thread(() => thrown = Record.Exception(act));
        other.Start();
        other.Join();
        return thrown;
    }
}
