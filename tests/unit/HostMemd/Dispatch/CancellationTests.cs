using HostMemd.Backend.Threads;
using HostMemd.Config;
using HostMemd.Dispatch;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using HostMemd.Unit.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.HostMemd.Dispatch;

/// <summary>What cancelling a command ends, for protocols that can; and what a front end is informed of.</summary>
public sealed class CancellationTests : IDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    const string Filled = """{"qom-type":"memory-backend-memfd","id":"m","size":4194304,"prealloc":true}""";
    const string Empty = """{"qom-type":"memory-backend-memfd","id":"m","size":4194304}""";

    readonly Daemon _daemon = new(new HostMemdOptions(), NullLoggerFactory.Instance);
    readonly CancellationTokenSource _cancel = new();

    public void Dispose()
    {
        _daemon.StopAsync().Wait(s_patience);
        _cancel.Dispose();
    }

    Task<Value> RunAsync(string command, string arguments, Waiter waiter = default)
    {
        Assert.True(JsonText.Parse(arguments).TryObject(out var members));
        var call = new Call(new FakeClient());
        call.Begin(command, members, 0, waiter: waiter);
        return Task.Run(() => _daemon.Runner(call).AsTask()).WaitAsync(s_patience);
    }

    async Task<RefusalKind> RefusedAsync(string command, string arguments, Waiter waiter = default) =>
        (await Assert.ThrowsAsync<QmpException>(() => RunAsync(command, arguments, waiter))).Kind;

    // Cancels as soon as a filling runs: the daemon sends the event before the first step.
    void CancelOnceAFillingRuns()
    {
        var watcher = new FakeClient { Watches = true };
        watcher.Notified = notice =>
        {
            if (notice.Data["status"].TryString(out var status) && status == "running")
                _cancel.Cancel();
        };
        _daemon.Clients.Serve(watcher, _ => watcher.Disconnected);
    }

    [Fact]
    public async Task ObjectAdd_CancelledWhileItFills_LeavesNoObject()
    {
        CancelOnceAFillingRuns();

        Assert.Equal(RefusalKind.Cancelled, await RefusedAsync("object-add", Filled, new(_cancel.Token)));

        Assert.Equal(RefusalKind.Refused, await RefusedAsync("object-del", """{"id":"m"}"""));
        await RunAsync("object-add", Empty);
    }

    [Fact]
    public async Task QomSet_CancelledWhileItFills_LeavesTheObjectAsItWas()
    {
        await RunAsync("object-add", Empty);
        CancelOnceAFillingRuns();

        Assert.Equal(RefusalKind.Cancelled,
            await RefusedAsync("qom-set", """{"path":"m","property":"prealloc","value":true}""", new(_cancel.Token)));

        Assert.Equal(Value.From(false), await RunAsync("qom-get", """{"path":"m","property":"prealloc"}"""));
    }

    [Fact]
    public async Task Monitor_CancelledWhileItFills_IsRefused_NotAnswered()
    {
        CancelOnceAFillingRuns();

        Assert.Equal(RefusalKind.Cancelled, await RefusedAsync("human-monitor-command",
            """{"command-line":"object_add memory-backend-memfd,id=m,size=4M,prealloc=on"}""", new(_cancel.Token)));
    }

    [Fact]
    public async Task Job_CancelledByAnotherClient_IsARefusalOfAnotherKind()
    {
        var watcher = new FakeClient { Watches = true };
        watcher.Notified = notice =>
        {
            if (notice.Data["status"].TryString(out var status) && status == "running")
                RunAsync("job-cancel", """{"id":"prealloc-m"}""");
        };
        _daemon.Clients.Serve(watcher, _ => watcher.Disconnected);
        // Large enough to be under way still when the cancellation comes; if it is not, the object is there.
        try
        {
            await RunAsync("object-add", """{"qom-type":"memory-backend-memfd","id":"m","size":268435456,"prealloc":true}""", new(_cancel.Token));
        }
        catch (QmpException refusal)
        {
            Assert.Equal(RefusalKind.Refused, refusal.Kind);
        }
    }

    [Theory]
    [InlineData("object-add", Filled)]
    [InlineData("object-add", Empty)]
    [InlineData("memdev-prealloc", """{"id":"m","job-id":"j"}""")]
    [InlineData("query-jobs", "{}")]
    public async Task CancelledBeforeItBegins_NothingIsDone(string command, string arguments)
    {
        await _cancel.CancelAsync();

        Assert.Equal(RefusalKind.Cancelled, await RefusedAsync(command, arguments, new(_cancel.Token)));

        Assert.Equal(RefusalKind.Refused, await RefusedAsync("object-del", """{"id":"m"}"""));
    }

    [Fact]
    public async Task Turn_CanBeLeft_WhileItIsWaitedFor()
    {
        var gate = new AsyncGate();
        var turn = await gate.EnterAsync();
        var waiting = gate.EnterAsync(new(_cancel.Token)).AsTask();

        await _cancel.CancelAsync();

        Assert.Equal(RefusalKind.Cancelled, (await Assert.ThrowsAsync<QmpException>(() => waiting.WaitAsync(s_patience))).Kind);
        turn.Dispose();
        (await gate.EnterAsync()).Dispose();
    }

    [Fact]
    public async Task ClosedGate_IsNotWaitedFor_AfterCancelling()
    {
        var gate = new ChangeGate();
        Assert.True(await gate.CloseAsync(s_patience));
        var waiting = gate.EnterAsync(new(_cancel.Token)).AsTask();

        await _cancel.CancelAsync();

        Assert.Equal(RefusalKind.Cancelled, (await Assert.ThrowsAsync<QmpException>(() => waiting.WaitAsync(s_patience))).Kind);
        gate.Open(forGood: false);
        // It never was inside: the gate closes at once.
        Assert.True(await gate.CloseAsync(TimeSpan.Zero));
    }

    [Theory]
    [InlineData("object-add", Filled)]
    [InlineData("human-monitor-command", """{"command-line":"object_add memory-backend-memfd,id=m,size=4M,prealloc=on"}""")]
    public async Task Progress_EndsWithAllOfIt(string command, string arguments)
    {
        var reports = new Reports();

        await RunAsync(command, arguments, new(Progress: reports));

        Assert.Equal(new FillProgress(4 << 20, 4 << 20), reports.Last);
    }

    [Theory]
    [InlineData("frobnicate", "{}", RefusalKind.UnknownCommand)]
    [InlineData("qom-get", """{"path":"/objects"}""", RefusalKind.InvalidArguments)]
    [InlineData("qom-get", """{"path":7,"property":"type"}""", RefusalKind.InvalidArguments)]
    [InlineData("query-jobs", """{"color":"red"}""", RefusalKind.InvalidArguments)]
    [InlineData("object-add", """{"qom-type":"memory-backend-ram","id":"m","size":"big"}""", RefusalKind.InvalidArguments)]
    [InlineData("object-add", """{"qom-type":"ram","id":"m"}""", RefusalKind.InvalidArguments)]
    [InlineData("object-add", """{"qom-type":"memory-backend-ram","id":"1st","size":4096}""", RefusalKind.Refused)]
    [InlineData("qom-get", """{"path":"/objects","property":"color"}""", RefusalKind.Refused)]
    [InlineData("getfd", """{"fdname":"a"}""", RefusalKind.Refused)]
    [InlineData("qmp_capabilities", "{}", RefusalKind.Refused)]
    public async Task Refusal_SaysOfWhichKindItIs(string command, string arguments, RefusalKind kind) =>
        Assert.Equal(kind, await RefusedAsync(command, arguments));

    sealed class Reports : IProgress<FillProgress>
    {
        public FillProgress Last { get; private set; }

        public void Report(FillProgress value) => Last = value;
    }
}
