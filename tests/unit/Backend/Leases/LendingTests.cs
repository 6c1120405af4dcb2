using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Backend.Leases;

public sealed class LendingTests : IAsyncLifetime
{
    readonly TestObjects _test = new();
    HostMemoryBackend _memory = null!;

    public async Task InitializeAsync() =>
        _memory = (HostMemoryBackend)await _test.AddAsync("memory-backend-memfd", "m", ("size", Value.From(4096L)));

    public async Task DisposeAsync() => await _test.Objects.ReleaseAllAsync(keep: false);

    // The client's pidfd is opened after the memory and before the lease is given, so this is midway.
    Loan Lend(Action? midway = null) => _test.Lending.Lend(new("m", null, false, null, new(Environment.ProcessId, 0, () =>
    {
        midway?.Invoke();
        Assert.Equal(Errno.None, Pidfd.Open(Environment.ProcessId, out var own));
        return own;
    })));

    string Refusal() => Assert.Throws<QmpException>(() => Lend()).Message;

    static T OnAnotherThread<T>(Func<T> ask) => Task.Factory.StartNew(ask, TaskCreationOptions.LongRunning).GetAwaiter().GetResult();

    [Fact]
    public void OtherClients_AreServedWhileALoanIsPrepared()
    {
        var isFree = false;
        Lend(() => isFree = OnAnotherThread(() => _test.State.CanBeHadWithin(TimeSpan.Zero))).Descriptor.Dispose();
        Assert.True(isFree);
    }

    [Fact]
    public async Task DeletionDuringALoan_IsRefused_AndTheLoanIsGiven()
    {
        Task? deletion = null;
        var loan = Lend(() => deletion = _test.Objects.DeleteAsync("m").AsTask());
        loan.Descriptor.Dispose();

        Assert.Equal(QmpErrors.ObjectMapped("m").Message, (await Assert.ThrowsAsync<QmpException>(() => deletion!)).Message);
        Assert.Same(_memory, Assert.Single(_test.Leases.All).Backend);
        Assert.Same(_memory, _test.Tree.Resolve("m"));
    }

    [Fact]
    public void LoanDuringADeletion_IsRefused()
    {
        using (_test.State.Enter())
            _memory.IsDoomed = true;
        Assert.Equal(QmpErrors.ObjectNotFound("m").Message, Refusal());
        Assert.Empty(_test.Leases.All);
    }

    [Fact]
    public async Task LoanThatFails_LeavesNothingInTheWayOfADeletion()
    {
        SafeFileHandle? none = null;
        Assert.Throws<QmpException>(() => _test.Lending.Lend(new("m", -1, false, null, new(Environment.ProcessId, 0, () => none))));
        Assert.Empty(_test.Leases.All);
        await _test.Objects.DeleteAsync("m");
        Assert.Equal(QmpErrors.ObjectNotFound("m").Message, Refusal());
    }

    [Fact]
    public void StartTime_IsReadOnlyForLeasesThatAreWrittenDown()
    {
        Lend().Descriptor.Dispose();
        Assert.Null(Assert.Single(_test.Leases.All).StartTime);

        _test.Leases.IsRecorded = () => true;
        Lend().Descriptor.Dispose();
        Assert.Equal(Procfs.StartTime(Environment.ProcessId), _test.Leases.All.Last().StartTime);
    }
}
