using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Scarce;

/// <summary>The system has no thread left, or few, while the daemon serves.</summary>
public sealed class ThreadTests(ITestOutputHelper output) : DaemonTest(output)
{
    const ulong Size = 128ul << 20;
    const int Plenty = 4000;

    [TheoryIf(Need.OtherUsers)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void WithRoomForFewThreads_AllIsDoneOrRefused_AndTheEndIsInOrder(int room)
    {
        var user = NprocDaemon.NewUser();
        var folder = DaemonProcess.NewFolder();
        Harness.Program.Check("chown", $"{user}", folder);
        var daemon = StartIn(folder, info => NprocDaemon.Wrap(info, user), "--qmp", "unix:" + Path.Combine(folder, "qmp.sock"));
        using var client = daemon.Connect();

        NprocDaemon.Leave(daemon, user, room);
        Work(daemon, client, "scarce", contextMayFail: true);
        NprocDaemon.Limit(daemon, user, Plenty);
        Work(daemon, client, "again", contextMayFail: false);

        NprocDaemon.Leave(daemon, user, room);
        daemon.Signal(15);
        Assert.Equal(0, daemon.AwaitExit());
        Assert.False(File.Exists(daemon.SocketPath));
        Assert.DoesNotContain(" ERR ", daemon.Log, StringComparison.Ordinal);
    }

    static void Work(DaemonProcess daemon, QmpClient client, string id, bool contextMayFail)
    {
        client.Add("memory-backend-ram", "r" + id, new() { ["size"] = Size });
        client.Add("memory-backend-memfd", "m" + id, new() { ["size"] = Size });
        client.Ok("qom-set", new() { ["path"] = "r" + id, ["property"] = "merge", ["value"] = false });
        client.Ok("memdev-prealloc", new() { ["id"] = "m" + id, ["job-id"] = "j" + id });
        client.Ok("memdev-map", new() { ["id"] = "m" + id });
        Eventually.Equal("concluded", () => Job(client, "j" + id).GetProperty("status").GetString(), "the filling");
        Assert.False(Job(client, "j" + id).TryGetProperty("error", out var error), $"{error}");
        var statistics = client.Ok("query-memdev-stats", new() { ["id"] = "m" + id });
        Assert.Equal(Size, statistics[0].GetProperty("resident").GetUInt64());
        var context = client.Execute("object-add", new() { ["qom-type"] = "thread-context", ["id"] = "t" + id });
        if (!context.TryGetProperty("error", out var refusal))
            client.Delete("t" + id);
        else
            Assert.True(contextMayFail && refusal.GetProperty("desc").GetString()!.StartsWith("no thread can be started: ", StringComparison.Ordinal)
                && refusal.GetProperty("desc").GetString()!.Contains("RLIMIT_NPROC is ", StringComparison.Ordinal), $"{refusal}");
        client.Delete("r" + id);
        using var other = daemon.Connect();
        other.Ok("query-status");
    }

    static System.Text.Json.JsonElement Job(QmpClient client, string id) =>
        client.Ok("query-jobs").EnumerateArray().Single(j => j.GetProperty("id").GetString() == id);
}
