using System.Text.Json;
using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Rpc;

/// <summary>Messages, framing, errors and batches, as JSON-RPC 2.0 and the language server protocol's base have them.</summary>
public sealed class WireTests(ITestOutputHelper output) : RpcTest(output)
{
    static JsonObject New(string id, ulong size = 4096) => new() { ["qom-type"] = "memory-backend-ram", ["id"] = id, ["size"] = size };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Commands_AreMethods_AndTheirArgumentsAreParams(bool headers)
    {
        var client = Client(headers);

        Assert.Equal("{}", client.Ok("object-add", New("m")).GetRawText());
        Assert.Equal(4096, client.Ok("qom-get", new JsonObject { ["path"] = "m", ["property"] = "size" }).GetInt32());
        Assert.Equal(4096, client.Ok("qom-get", new JsonArray("m", "size")).GetInt32());
        Assert.Equal(1, client.Ok("query-memdev", new JsonArray()).GetArrayLength());
        Assert.Equal(1, client.Ok("query-memdev").GetArrayLength());
    }

    [Fact]
    public void Integers_AreExact()
    {
        var client = Client();
        var error = client.Error("object-add", New("m", ulong.MaxValue - 1));
        Assert.DoesNotContain("1844674407370955200", error.GetRawText(), StringComparison.Ordinal);

        client.Send("""{"jsonrpc":"2.0","id":18446744073709551615,"method":"query-name"}""");
        client.Send("""{"jsonrpc":"2.0","id":-9223372036854775808,"method":"query-name"}""");
        client.Send("""{"jsonrpc":"2.0","id":9007199254740993,"method":"query-name"}""");

        Assert.Equal(["18446744073709551615", "-9223372036854775808", "9007199254740993"],
            ((int[])[1, 2, 3]).Select(_ => client.Message().GetProperty("id").GetRawText()));
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("\"abc\"")]
    [InlineData("null")]
    [InlineData("1.5")]
    public void Id_IsEchoed(string id)
    {
        var client = Client();
        client.Send($$"""{"jsonrpc":"2.0","id":{{id}},"method":"query-name"}""");
        var reply = client.Message();
        Assert.Equal(id, reply.GetProperty("id").GetRawText());
        Assert.True(reply.TryGetProperty("result", out _));
    }

    [Theory]
    [InlineData("{", -32700, null)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"query-name\"} x", -32700, null)]
    [InlineData("7", -32600, null)]
    [InlineData("{\"id\":7}", -32600, "7")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"query-name\"}", -32600, null)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"query-name\",\"params\":5}", -32600, "7")]
    [InlineData("[]", -32600, null)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"nonsense\"}", -32601, "7")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"$call\"}", -32601, "7")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"qmp_capabilities\"}", -32601, "7")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"qom-get\"}", -32602, "7")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"qom-get\",\"params\":{\"path\":7,\"property\":\"x\"}}", -32602, "7")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"query-name\",\"params\":{\"a\":1}}", -32602, "7")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"query-name\",\"params\":[1]}", -32602, "7")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"object-add\",\"params\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\"}}",
        -32602, "7")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"object-del\",\"params\":{\"id\":\"a\"}}", -32000, "7")]
    public void Fault_HasItsCode_AndTheConnectionGoesOn(string message, int code, string? id)
    {
        var first = true;
        foreach (var headers in (bool[])[false, true])
        {
            var client = Client(headers);
            client.Ok("query-name");
            client.Send(message);

            var reply = client.Message();

            Assert.Equal(code, RpcClient.Code(RpcClient.ErrorOf(reply)));
            Assert.Equal(id ?? "null", reply.GetProperty("id").GetRawText());
            client.Ok("query-name");
            first = false;
        }
        Assert.False(first);
    }

    [Fact]
    public void Error_HasQmpsClassAndText()
    {
        var client = Client();

        var error = client.Error("qom-get", new JsonObject { ["path"] = "/x", ["property"] = "y" });

        Assert.Equal("Device '/x' not found", error.GetProperty("message").GetString());
        var data = error.GetProperty("data");
        Assert.Equal("DeviceNotFound", data.GetProperty("class").GetString());
        Assert.Equal("Device '/x' not found", data.GetProperty("desc").GetString());
        Assert.Equal("DeviceNotFound", data.GetProperty("type").GetString());
        Assert.Equal("Device '/x' not found", data.GetProperty("message").GetString());
    }

    [Fact]
    public void Notification_IsDone_AndNotAnswered()
    {
        var client = Client();
        client.Send(RpcClient.Text("object-add", New("m"), null));
        client.Send(RpcClient.Text("nonsense", null, null));
        client.Send("""{"jsonrpc":"2.0","id":9,"result":{}}""");

        var devices = client.Ok("query-memdev");

        Assert.Equal(1, devices.GetArrayLength());
        Assert.Null(client.TryMessage(TimeSpan.FromMilliseconds(50)));
    }

    [Fact]
    public void Batch_IsAnsweredAsOne()
    {
        var client = Client();
        string[] messages =
        [
            RpcClient.Text("object-add", New("m"), 1), "5", RpcClient.Text("object-add", New("n"), null), RpcClient.Text("nonsense", null, "x"),
            RpcClient.Text("query-memdev", null, 2),
        ];
        client.Send($"[{string.Join(", ", messages)}]");

        var replies = client.Message().EnumerateArray().ToDictionary(r => r.GetProperty("id").GetRawText());

        Assert.Equal(4, replies.Count);
        Assert.Equal("{}", replies["1"].GetProperty("result").GetRawText());
        Assert.Equal(-32600, RpcClient.Code(RpcClient.ErrorOf(replies["null"])));
        Assert.Equal(-32601, RpcClient.Code(RpcClient.ErrorOf(replies["\"x\""])));
        Assert.Equal(2, replies["2"].GetProperty("result").GetArrayLength());
        client.Send($"[{RpcClient.Text("query-name", null, null)}]");
        client.Ok("query-name");
        Assert.Null(client.TryMessage(TimeSpan.FromMilliseconds(50)));
    }

    [Fact]
    public void HalfClosedClient_GetsAllItsAnswers()
    {
        var client = Client();
        for (var id = 1; id <= 50; id++)
            client.Send(RpcClient.Text("object-add", New($"m{id}"), id));
        client.SendBytes(RpcClient.Text("query-memdev", null, 51));
        client.Shutdown();

        Assert.Equal(50, client.Reply(51).GetProperty("result").GetArrayLength());
        Assert.True(client.Ends());
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "'GET / HTTP/1.1' is no header")]
    [InlineData("Host: x\r\n\r\n", "no Content-Length among the headers")]
    [InlineData("Content-Length: x\r\n\r\n", "'x' is no Content-Length")]
    [InlineData("\u0001\u0002\r\n", "is no header")]
    public void LostFraming_EndsTheConnection_AndTheLogHasTheReason(string bytes, string reason)
    {
        var daemon = Serve();
        var client = Client();

        client.SendBytes(bytes);

        Assert.True(client.Ends());
        Eventually.True(() => daemon.Log.Contains(reason, StringComparison.Ordinal), "the reason in the log");
    }

    [FactIf(Need.ThreeGiBFree)]
    public void IdThatIsUnderWay_IsRefused()
    {
        var client = Client();
        var filled = New("m", 1 << 30);
        filled["prealloc"] = true;

        client.SendBytes(RpcClient.Text("object-add", filled, 1) + "\n" + RpcClient.Text("query-name", null, 1) + "\n");

        var refused = RpcClient.ErrorOf(client.Message());
        Assert.Equal(-32600, RpcClient.Code(refused));
        Assert.Equal("a request of id '1' is still under way", refused.GetProperty("message").GetString());
        Assert.True(client.Reply(1, TimeSpan.FromSeconds(60)).TryGetProperty("result", out _));
    }
}
