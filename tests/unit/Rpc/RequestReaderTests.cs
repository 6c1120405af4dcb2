using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using HostMemd.Rpc;
using HostMemd.Rpc.Messages;
using StreamJsonRpc;

namespace HostMemd.Unit.Rpc;

public sealed class RequestReaderTests
{
    static RpcRequest? Read(string text, out RequestId id, out RpcFault? fault) =>
        RequestReader.Read(JsonText.Parse(text), null, out id, out fault);

    [Theory]
    [InlineData("5", RpcErrorCodes.InvalidRequest, "a request must be a JSON object")]
    [InlineData("{}", RpcErrorCodes.InvalidRequest, "member 'jsonrpc' must be the string '2.0'")]
    [InlineData("{\"jsonrpc\":\"1.0\",\"method\":\"x\"}", RpcErrorCodes.InvalidRequest, "member 'jsonrpc' must be the string '2.0'")]
    [InlineData("{\"jsonrpc\":2.0,\"method\":\"x\"}", RpcErrorCodes.InvalidRequest, "member 'jsonrpc' must be the string '2.0'")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":1}", RpcErrorCodes.InvalidRequest, "member 'method' must be a string")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":1}",
        RpcErrorCodes.InvalidRequest, "member 'params' must be an object or an array")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":true}",
        RpcErrorCodes.InvalidRequest, "member 'id' must be a string, a number or null")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":[]}",
        RpcErrorCodes.InvalidRequest, "member 'id' must be a string, a number or null")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":{\"$progress\":{}}}", RpcErrorCodes.InvalidParams,
        "Parameter '$progress' must be a string or an integer")]
    public void Message_ThatIsNoRequest_IsRefusedByItsFirstFault(string text, int code, string expected)
    {
        Assert.Null(Read(text, out _, out var fault));
        Assert.Equal(code, fault!.Code);
        Assert.Equal(expected, fault.Error.Message);
    }

    [Fact]
    public void Fault_HasTheIdOfItsRequest_WhereThatCanBeRead()
    {
        Read("{\"jsonrpc\":\"2.0\",\"method\":1,\"id\":7}", out var known, out _);
        Read("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":{}}", out var unknown, out _);

        Assert.Equal(new RequestId(7), known);
        Assert.Equal(RequestId.Null, unknown);
    }

    [Theory]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":5}")]
    [InlineData("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"\"}}")]
    public void Reply_IsNotAnswered_OrTwoServersWouldTalkForEver(string text)
    {
        Assert.Null(Read(text, out _, out var fault));
        Assert.Null(fault);
    }

    [Theory]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"x\"}", false)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":null}", true)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":\"\"}", true)]
    [InlineData("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":0,\"params\":null,\"traceparent\":\"y\"}", true)]
    public void Request_IsAnswered_IfItHasAnId(string text, bool expected) =>
        Assert.Equal(expected, Read(text, out _, out _)!.IsResponseExpected);

    [Fact]
    public void Progress_IsNoArgument()
    {
        var request = Read(
            "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"id\":1,\"params\":{\"a\":1,\"$progress\":\"t\",\"b\":2}}", out _, out _)!;

        Assert.Equal("{\"a\": 1, \"b\": 2}", JsonWriter.ToText(Value.From(request.Named!)));
        Assert.Equal(Value.From("t"), request.ProgressToken);
        Assert.Equal("x", request.Name);
        Assert.Equal(RpcRequest.Dispatched, request.Method);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-9223372036854775808")]
    [InlineData("9223372036854775807")]
    [InlineData("18446744073709551615")]
    [InlineData("1.5")]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("\"7\"")]
    [InlineData("\"\\u0001u5\"")]
    [InlineData("\"\\u0001s\\u0001d1\"")]
    public void Id_ComesBackAsItWasSent(string json)
    {
        var sent = JsonText.Parse(json);

        Assert.True(RequestIds.TryRead(sent, out var id));

        Assert.Equal(sent, RequestIds.Write(id));
    }

    [Fact]
    public void Ids_OfDifferentTypes_AreDifferent()
    {
        var ids = new HashSet<RequestId>();
        foreach (var json in (string[])["1", "\"1\"", "18446744073709551615", "\"\\u0001u18446744073709551615\"", "1.5", "null", "\"\""])
        {
            Assert.True(RequestIds.TryRead(JsonText.Parse(json), out var id));
            Assert.True(ids.Add(id), json);
        }
    }
}
