using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Clients;

/// <summary>Out-of-band commands, and the queue that they overtake (qmp.md § 6).</summary>
[Collection(nameof(Machine))]
public sealed class OutOfBandTests(ITestOutputHelper output) : DaemonTest(output)
{
    // Long enough to be under way when everything sent behind it is read.
    static readonly string s_slow =
        QmpClient.AddText("memory-backend-memfd", "slow", new() { ["size"] = 1 << 30, ["prealloc"] = true }, "slow") + "\n";

    static string[] Ids(QmpClient client, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => client.Reply(TimeSpan.FromMinutes(1)).GetProperty("id").ToString())];

    [TheoryIf(Need.ThreeGiBFree)]
    [InlineData("query-yank", null)]
    [InlineData("yank", """{"instances": []}""")]
    [InlineData("query-jobs", null)]
    [InlineData("job-cancel", """{"id": "nope"}""")]
    public void OutOfBandCommand_OvertakesASlowOne(string command, string? arguments)
    {
        using var client = Daemon.Connect(outOfBand: true);

        client.Send(s_slow + QmpClient.Text("query-version", null, "in-band") + "\n"
            + QmpClient.Text(command, arguments is null ? null : JsonNode.Parse(arguments)!.AsObject(), "oob", outOfBand: true) + "\n");

        Assert.Equal(["oob", "slow", "in-band"], Ids(client, 3));
    }

    // QEMU 11.1: with up to 7 queries in between the out-of-band reply comes first; with 8 it comes after the slow command's, with 9
    // after one query more, with 12 after four more.
    [TheoryIf(Need.ThreeGiBFree)]
    [InlineData(0, 0)]
    [InlineData(7, 0)]
    [InlineData(8, 1)]
    [InlineData(9, 2)]
    [InlineData(12, 5)]
    public void OutOfBandCommand_OvertakesAQueueOfEight(int queries, int position)
    {
        using var client = Daemon.Connect(outOfBand: true);
        var text = new StringBuilder(s_slow);
        for (var i = 0; i < queries; i++)
            text.Append(QmpClient.Text("query-memdev", null, $"q{i}")).Append('\n');

        client.Send(text + QmpClient.Text("query-yank", null, "oob", outOfBand: true) + "\n");

        var expected = Enumerable.Range(0, queries).Select(i => $"q{i}").Prepend("slow").ToList();
        expected.Insert(position, "oob");
        Assert.Equal(expected, Ids(client, queries + 2));
    }

    [FactIf(Need.ThreeGiBFree)]
    public void OverrunningTheQueue_IsNotPunished()
    {
        const int Queries = 5000;
        using var client = Daemon.Connect(outOfBand: true);
        var text = new StringBuilder(s_slow);
        for (var i = 0; i < Queries; i++)
            text.Append(QmpClient.Text("query-memdev", null, i)).Append('\n');

        client.Send(text.ToString());

        Assert.Equal(Enumerable.Range(0, Queries).Select(i => $"{i}").Prepend("slow"), Ids(client, Queries + 1));
    }

    [Fact]
    public void CommandThatDoesNotAllowIt_IsRefusedOutOfBand()
    {
        using var client = Daemon.Connect(outOfBand: true);

        client.Command("query-version", outOfBand: true);

        Assert.Equal("The command query-version does not support OOB", client.Reply().GetProperty("error").GetProperty("desc").GetString());
    }

    [Fact]
    public void WithoutNegotiation_OutOfBandIsUnexpected()
    {
        using var client = Daemon.Connect();

        client.Command("query-yank", outOfBand: true);

        Assert.Equal("QMP input member 'exec-oob' is unexpected", client.Reply().GetProperty("error").GetProperty("desc").GetString());
    }

    [Fact]
    public void Greeting_OffersIt_AndTheSchemaSaysWhichCommandsAllowIt()
    {
        using var client = Daemon.Connect();

        var allowed = client.Ok("query-qmp-schema").EnumerateArray()
            .Where(e => e.TryGetProperty("allow-oob", out var oob) && oob.ValueKind == JsonValueKind.True)
            .Select(e => e.GetProperty("name").GetString());

        Assert.Equal("oob", Assert.Single(QmpClient.Parse(client.Greeting).GetProperty("QMP").GetProperty("capabilities").EnumerateArray()).GetString());
        Assert.Equal(["job-cancel", "query-jobs", "query-memdev-jobs", "query-yank", "yank"], allowed.Order());
    }
}
