using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Security;

/// <summary>
/// Clients send descriptors whose close(2) does not return: sockets that linger (socket(7), SO_LINGER), with data that their peer does not
/// take. The kernel closes them on the thread that lets go of the last reference, wherever that is.
/// </summary>
public sealed class HangingCloseTests : SecurityTest
{
    // More than the threads of the daemon's pool, whose closers are two of these.
    const int Many = 12;
    const string Question = "{\"execute\":\"query-status\"}";

    const int SIGTERM = 15;
    const int SIGCONT = 18;
    const int SIGSTOP = 19;

    readonly Lingering _lingering;

    public HangingCloseTests(ITestOutputHelper output) : base(output) => _lingering = Keep(new Lingering());

    [Fact]
    public void SentWithCommands_TheyAreInTheWayOfNoOther()
    {
        using var good = Daemon.Connect();
        using var bad = Daemon.Connect();
        Send(Daemon, Enumerable.Repeat(bad, Many));
        bad.Send(Question);
        Check(Daemon, good);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(Many)]
    public void InTheQueueOfAClientThatLeaves_TheyAreInTheWayOfNoOther(int clients)
    {
        using var good = Daemon.Connect();
        var bad = Enumerable.Range(0, clients).Select(_ => Daemon.Connect()).ToArray();
        // They do not read their replies, so the daemon does not read what they send after these.
        foreach (var client in bad)
        {
            client.SendWhileRead(System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"execute\":\"query-qmp-schema\"}", 300))),
                TimeSpan.FromSeconds(1));
        }
        Send(Daemon, bad);
        foreach (var client in bad)
            client.Dispose();
        Check(Daemon, good);
    }

    [FactIf(Need.Root)]
    public void InTheQueueOfAClientThatIsRefused_TheyAreInTheWayOfNoOther()
    {
        var daemon = StartWith("""{ "Limits": { "Clients": 2 } }""");
        using var good = daemon.Connect();
        using var other = daemon.Connect();
        Stop(daemon);
        var refused = Enumerable.Range(0, Many).Select(_ => Keep(daemon.ConnectSilently())).ToArray();
        foreach (var client in refused)
            Send(client);
        daemon.Signal(SIGCONT);
        Check(daemon, good, other);
    }

    [Fact]
    public void SentWithAnUrgentByte_TheyAreInTheWayOfNoOther()
    {
        using var good = Daemon.Connect();
        using var bad = Daemon.Connect();
        Stop(Daemon);
        for (var i = 0; i < Many; i++)
        {
            using var hanging = _lingering.Next();
            bad.SendUrgent(hanging);
        }
        Daemon.Signal(SIGCONT);
        Check(Daemon, good);
    }

    [FactIf(Need.Root)]
    public void MoreThanThereIsRoomFor_TheyAreInTheWayOfNoOther()
    {
        var daemon = StartWith("{}", "prlimit", "--nofile=512:512");
        using var good = daemon.Connect();
        using var bad = daemon.Connect();
        Stop(daemon);
        var all = Enumerable.Range(0, 64).Select(_ => _lingering.Next()).ToArray();
        bad.Send(Question, all);
        foreach (var hanging in all)
            hanging.Dispose();
        daemon.Signal(SIGCONT);
        good.Ok("query-memdev-stats");
        daemon.Connect().Dispose();
        daemon.Signal(SIGTERM);
        Assert.Equal(0, daemon.AwaitExit());
    }

    // Ours is closed before the daemon's: the last one hangs.
    void Send(DaemonProcess daemon, IEnumerable<QmpClient> clients)
    {
        Stop(daemon);
        foreach (var client in clients)
            Send(client);
        daemon.Signal(SIGCONT);
    }

    void Send(QmpClient client)
    {
        using var hanging = _lingering.Next();
        client.Send(Question, hanging);
    }

    static void Stop(DaemonProcess daemon)
    {
        daemon.Signal(SIGSTOP);
        Eventually.True(() => File.ReadAllText($"/proc/{daemon.Pid}/stat").Contains(") T ", StringComparison.Ordinal), "the daemon to stop");
    }

    static void Check(DaemonProcess daemon, QmpClient good)
    {
        using var other = daemon.Connect();
        Check(daemon, good, other);
    }

    // Another client's descriptors are closed meanwhile, its commands are done, and the end is in order.
    static void Check(DaemonProcess daemon, QmpClient good, QmpClient other)
    {
        var (read, write) = Wire.Pipe();
        using (read)
        {
            using (write)
                other.Send(Question, write);
            other.Reply();
            // What no command took is closed when the client has left.
            other.Dispose();
            Assert.NotEqual(0, Wire.Poll(read, Wire.POLLIN, TimeSpan.FromSeconds(30)));
        }
        good.Add("memory-backend-memfd", "m", new() { ["size"] = 128 << 20, ["prealloc"] = true });
        good.Ok("query-memdev-stats");
        good.Ok("memdev-map", new() { ["id"] = "m" });
        daemon.Signal(SIGTERM);
        Assert.Equal(0, daemon.AwaitExit());
    }
}
