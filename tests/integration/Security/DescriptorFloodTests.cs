using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Microsoft.Win32.SafeHandles;
using Xunit.Abstractions;

namespace HostMemd.Integration.Security;

/// <summary>
/// Clients send as many descriptors as a message can have, with each command and all at once, to a daemon with the limit of a shell or a
/// container. Each receive gives all of them a number before any can be closed.
/// </summary>
public sealed class DescriptorFloodTests(ITestOutputHelper output) : SecurityTest(output)
{
    const int Senders = 8;
    const int Rounds = 600;
    const int PerMessage = 253; // unix(7), SCM_MAX_FD
    const string Question = "{\"execute\":\"query-status\"}";

    [TheoryIf(Need.OtherUsers)]
    [InlineData(1024)]
    [InlineData(512)]
    public async Task Observers_WhoSendMoreThanIsClosed_Wait_AndTheDaemonServesAll(int limit)
    {
        var daemon = StartWith("""{ "Access": { "SocketMode": "0666" } }""", "prlimit", $"--nofile={limit}:{limit}");
        var senders = Enumerable.Range(0, Senders).Select(_ => Keep(OtherUser.Negotiated(daemon, 65534))).ToArray();

        await FloodAsync(daemon, senders.Select(s => (Action)(() => Assert.StartsWith("{\"return\"", s.Line(Question, PerMessage), StringComparison.Ordinal))));
    }

    [TheoryIf(Need.Root)]
    [InlineData(1024)]
    [InlineData(512)]
    public async Task Admins_WhoSendMoreThanIsClosed_Wait_AndTheDaemonServesAll(int limit)
    {
        var daemon = StartWith("{}", "prlimit", $"--nofile={limit}:{limit}");
        using var passed = File.OpenHandle("/dev/null");
        SafeFileHandle[] many = [.. Enumerable.Repeat(passed, PerMessage)];
        var senders = Enumerable.Range(0, Senders).Select(_ => Keep(daemon.Connect())).ToArray();

        await FloodAsync(daemon, senders.Select(s => (Action)(() =>
        {
            s.Send(Question, many);
            Assert.True(s.Reply().TryGetProperty("return", out _));
        })));
    }

    static async Task FloodAsync(DaemonProcess daemon, IEnumerable<Action> sending)
    {
        using var good = daemon.Connect();
        using var own = File.OpenHandle("/dev/null");
        var flood = Task.WhenAll(sending.Select(send => Task.Factory.StartNew(() =>
        {
            for (var i = 0; i < Rounds; i++)
                send();
        }, TaskCreationOptions.LongRunning)).ToArray());

        var asked = 0;
        while (!flood.IsCompleted || asked == 0)
        {
            good.Ok("query-memdev-stats");
            good.Add("memory-backend-memfd", "m", new() { ["size"] = 4096 });
            var loan = good.Ok("memdev-map", new() { ["id"] = "m" }).GetProperty("mapping").GetString();
            good.Send(QmpClient.Text("getfd", new JsonObject { ["fdname"] = "own" }), own);
            Assert.True(good.Reply().TryGetProperty("return", out _), "a good client's descriptor did not arrive");
            good.Ok("closefd", new() { ["fdname"] = "own" });
            foreach (var lent in good.Received)
                lent.Dispose();
            good.Received.Clear();
            good.Ok("memdev-unmap", new() { ["mapping"] = loan });
            good.Delete("m");
            asked++;
        }
        await flood;

        Assert.False(daemon.HasExited);
        daemon.Connect().Dispose();
    }
}
