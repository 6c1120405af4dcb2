using HostMemd.Protocol.Clients;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Takeover;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.Protocol.Clients;

public sealed class ClientRegistryTests
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    static readonly EventTable s_events = new();
    static readonly DeclaredEvent<string> s_qemus = new(s_events, "QEMUS", "", false, new("id", QapiTypes.Str, ""));
    static readonly DeclaredEvent<string> s_ours = new(s_events, "OURS", "", true, new("id", QapiTypes.Str, ""));

    readonly WireLimits _limits = new();
    ClientRegistry _registry;

    public ClientRegistryTests() => _registry = Registry(_limits);

    static ClientRegistry Registry(WireLimits limits, Role? role = Role.Admin) => new(limits, _ => role, NullLogger.Instance);

    FakeClient Come(bool begun = true)
    {
        var client = new FakeClient { Begun = begun };
        _registry.Serve(client, _ => client.Disconnected);
        return client;
    }

    bool IsAdmitted(SocketMode? mode = null)
    {
        var (ours, theirs) = SocketPair.Create();
        using (ours)
        using (theirs)
            return _registry.TryAdmit(theirs, mode ?? new(Pretty: false), out _, out _) && !theirs.IsClosed;
    }

    [Fact]
    public void Clients_OfAnyFrontEnd_CountForTheLimit()
    {
        _registry = Registry(_limits with { Clients = new("Clients", 2) });
        Come();
        Assert.True(IsAdmitted());
        Come();

        Assert.False(IsAdmitted());
        Assert.Equal(2, _registry.Count);
    }

    [Fact]
    public void ClientsPerUid_CountsThoseOfTheSameUserOnly()
    {
        _registry = Registry(_limits with { ClientsPerUid = new("ClientsPerUid", 1) });
        Come();
        Assert.True(IsAdmitted());

        var (ours, theirs) = SocketPair.Create();
        using (ours)
        using (theirs)
        {
            var own = new FakeClient(PeerCredentials.Of(theirs));
            _registry.Serve(own, _ => own.Disconnected);
        }

        Assert.False(IsAdmitted());
    }

    [Fact]
    public void NobodyIsAdmitted_WithoutARole_OrAgainstTheSocketsMode()
    {
        Assert.False(IsAdmitted(new(Pretty: false) { Admits = _ => false }));
        _registry = Registry(_limits, role: null);
        Assert.False(IsAdmitted());
    }

    [Fact]
    public void Silent_ClosesTheOldestThatHasNotBegun()
    {
        _registry = Registry(_limits with { Silent = new("Silent", 2) });
        FakeClient[] clients = [Come(begun: false), Come(begun: false), Come(begun: true)];
        Assert.Equal([true, false, false], clients.Select(c => c.IsGone));

        Come(begun: false);

        Assert.Equal([true, false, false], clients.Select(c => c.IsGone));
    }

    [Fact]
    public void UnfinishedBytes_ClosesTheClientWithTheMost()
    {
        _registry = Registry(_limits with { UnfinishedBytes = new("UnfinishedBytes", 100) });
        var (small, large, last) = (Come(), Come(), Come());
        _registry.SetUnfinished(small, 20);
        _registry.SetUnfinished(large, 70);
        Assert.Equal(90, _registry.UnfinishedBytes);

        _registry.SetUnfinished(last, 30);

        Assert.Equal([false, true, false], new[] { small, large, last }.Select(c => c.IsGone));
        _registry.SetUnfinished(large, 0);
        Assert.Equal(50, _registry.UnfinishedBytes);
    }

    [Fact]
    public void Events_OfOurs_GoToWatchersOnly()
    {
        var (plain, watcher) = (Come(), Come());
        Assert.False(_registry.IsWatched);
        watcher.Watches = true;
        Assert.True(_registry.IsWatched);

        s_qemus.Send(_registry, "a");
        s_ours.Send(_registry, "b");

        Assert.Equal(["QEMUS"], plain.Notices.Select(n => n.Event.Name));
        Assert.Equal(["QEMUS", "OURS"], watcher.Notices.Select(n => n.Event.Name));
        Assert.Same(plain.Notices[0], watcher.Notices[0]);
        Assert.Equal(["QEMUS", "OURS"], s_events.All.Select(e => e.Name));
    }

    [Fact]
    public async Task Stop_WaitsForAll_AndCutsOffTheRest()
    {
        var orderly = new FakeClient();
        _registry.Serve(orderly, stop => Task.Delay(Timeout.Infinite, stop).ContinueWith(_ => { }, TaskScheduler.Default));
        await _registry.StopAsync(s_patience, () => 0);
        Assert.False(orderly.IsGone);
        Assert.Equal(0, _registry.Count);

        _registry = Registry(_limits);
        var left = 0;
        _registry.LastClientLeft = () => left++;
        var (first, second) = (Come(), Come());
        await _registry.StopAsync(TimeSpan.Zero, () => 0);

        Assert.Equal([true, true], new[] { first, second }.Select(c => c.IsGone));
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref left) == 1, s_patience));
    }

    [Fact]
    public void Client_WhoseServingFails_IsDisconnected()
    {
        var client = new FakeClient();

        _registry.Serve(client, _ => throw new InvalidOperationException("a bug"));

        Assert.True(client.IsGone);
        Assert.Equal(0, _registry.Count);
    }

    [Fact]
    public async Task Stop_WaitsForClients_AsLongAsMemoryIsFilled()
    {
        var left = new TaskCompletionSource();
        var client = new FakeClient();
        _registry.Serve(client, _ => left.Task);
        var filled = 0UL;

        await _registry.StopAsync(TimeSpan.FromMilliseconds(1), () =>
        {
            if (++filled == 20)
                left.SetResult();
            return filled;
        });

        Assert.False(client.IsGone);
    }
}
