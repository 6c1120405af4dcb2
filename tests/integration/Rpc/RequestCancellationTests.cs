using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Rpc;

/// <summary>Replies out of order, <c>$/cancelRequest</c>, progress.</summary>
[Collection(nameof(Harness.Machine))]
public sealed class RequestCancellationTests(ITestOutputHelper output) : RpcTest(output)
{
    const ulong Large = 3ul << 30;

    static JsonObject Filled(string id, ulong size, JsonNode? progress = null)
    {
        var arguments = new JsonObject { ["qom-type"] = "memory-backend-memfd", ["id"] = id, ["size"] = size, ["prealloc"] = true };
        if (progress is not null)
            arguments["$progress"] = progress;
        return arguments;
    }

    [FactIf(Need.ThreeGiBFree)]
    public void Replies_ComeWhenTheyAreReady_AndACancelledFillingLeavesNothing()
    {
        var client = Client();
        var adding = client.Begin("object-add", Filled("m", Large));
        Eventually.Equal(1, () => client.Ok("query-jobs").GetArrayLength(), "the job of object-add");

        client.Cancel(adding);

        Assert.Equal(-32800, RpcClient.Code(RpcClient.ErrorOf(client.Reply(adding))));
        Assert.Equal(0, client.Ok("query-memdev").GetArrayLength());
        Assert.Equal(0, client.Ok("query-jobs").GetArrayLength());
        client.Ok("object-add", Filled("m", 1 << 20));
    }

    [FactIf(Need.ThreeGiBFree)]
    public void CancelRightBehindItsRequest_EndsIt()
    {
        var client = Client();
        for (var turn = 1; turn <= 5; turn++)
        {
            client.SendBytes(RpcClient.Text("object-add", Filled("m", Large), 1000 + turn) + "\n"
                + RpcClient.Text("$/cancelRequest", new JsonObject { ["id"] = 1000 + turn }, null) + "\n");

            Assert.Equal(-32800, RpcClient.Code(RpcClient.ErrorOf(client.Reply(1000 + turn))));
        }
        Assert.Equal(0, client.Ok("query-memdev").GetArrayLength());
    }

    [FactIf(Need.ThreeGiBFree)]
    public void CancelOfAWaitBehindAnotherFilling_LeavesTheQueue()
    {
        var client = Client();
        client.Ok("object-add", new JsonObject { ["qom-type"] = "memory-backend-memfd", ["id"] = "m", ["size"] = Large });
        client.Ok("memdev-prealloc", new JsonObject { ["id"] = "m", ["job-id"] = "j" });
        var waiting = client.Begin("qom-set", new JsonObject { ["path"] = "m", ["property"] = "prealloc", ["value"] = true });

        client.Cancel(waiting);

        Assert.Equal(-32800, RpcClient.Code(RpcClient.ErrorOf(client.Reply(waiting))));
        client.Ok("job-cancel", new JsonObject { ["id"] = "j" });
        Eventually.Equal("concluded", () => client.Ok("query-jobs")[0].GetProperty("status").GetString(), "the job");
        Assert.False(client.Ok("qom-get", new JsonArray("m", "prealloc")).GetBoolean());
    }

    [Fact]
    public void CancelOfNothing_IsNoMatter()
    {
        var client = Client();
        var done = client.Begin("query-name");
        client.Reply(done);

        client.Cancel(done);
        client.Cancel(12345);
        client.Send("""{"jsonrpc":"2.0","method":"$/cancelRequest"}""");
        client.Send("""{"jsonrpc":"2.0","method":"$/cancelRequest","params":[7]}""");

        client.Ok("query-name");
    }

    [FactIf(Need.ThreeGiBFree)]
    public void Progress_Follows_AndEndsWithAll()
    {
        var client = Client();

        var adding = client.Begin("object-add", Filled("m", 1ul << 30, "token"));
        client.Reply(adding, TimeSpan.FromSeconds(60));

        var reports = client.Notifications("$/progress");
        Assert.NotEmpty(reports);
        Assert.All(reports, r => Assert.Equal("token", r.GetProperty("token").GetString()));
        var done = reports.Select(r => r.GetProperty("value").GetProperty("current").GetUInt64()).ToArray();
        Assert.Equal(done.Order(), done);
        Assert.Equal(1ul << 30, done[^1]);
        Assert.All(reports, r => Assert.Equal(1ul << 30, r.GetProperty("value").GetProperty("total").GetUInt64()));
    }

    [FactIf(Need.ThreeGiBFree)]
    public void MoreThanTheLimitInFlight_AreRefused()
    {
        var client = Client();
        var waiting = Enumerable.Range(0, 64).Select(i => client.Begin("object-add", Filled($"m{i}", 1 << 30))).ToArray();

        var error = client.Error("query-name");

        Assert.Equal(-32000, RpcClient.Code(error));
        Assert.Equal("limit RequestsInFlight of 64 is reached", error.GetProperty("message").GetString());
        foreach (var id in waiting)
            client.Cancel(id);
        foreach (var id in waiting)
            Assert.Equal(-32800, RpcClient.Code(RpcClient.ErrorOf(client.Reply(id))));
        client.Ok("query-name");
    }
}
