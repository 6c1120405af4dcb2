using System.Buffers;
using System.Text;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using HostMemd.Rpc;
using HostMemd.Rpc.Messages;
using StreamJsonRpc;
using StreamJsonRpc.Protocol;

namespace HostMemd.Unit.Rpc;

public sealed class RpcFormatterTests
{
    readonly RpcFormatter _formatter = new(default);

    string Text(JsonRpcMessage message) => (string)_formatter.GetJsonText(message);

    [Theory]
    [InlineData("-9223372036854775808")]
    [InlineData("18446744073709551615")]
    [InlineData("9007199254740993")]
    public void Integers_AreExact(string number) => Assert.Equal(
        $"{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{number}}}", Text(RpcReplies.Result(new RequestId(1), JsonText.Parse(number))));

    [Fact]
    public void Error_HasClassAndText_ForClientsOfQmp_AndTypeAndMessage_ForThoseOfTheLibrary()
    {
        var text = Text(RpcReplies.Error(new RequestId("x"), RpcFault.Of(QmpErrors.DeviceNotFound("/a"))));

        var error = JsonText.Parse(text).Member("error");
        Assert.Equal("-32000", JsonWriter.ToText(error.Member("code")));
        Assert.Equal("\"Device '/a' not found\"", JsonWriter.ToText(error.Member("message")));
        Assert.Equal(JsonText.Parse("""
            {"class": "DeviceNotFound", "desc": "Device '/a' not found", "type": "DeviceNotFound", "message": "Device '/a' not found"}
            """), error.Member("data"));
    }

    [Fact]
    public void Notification_HasNoId() => Assert.Equal("{\"jsonrpc\":\"2.0\",\"method\":\"$/progress\",\"params\":{\"token\": 1}}",
        Text(RpcReplies.Notification(RpcCommands.Progress, Value.Object(("token", Value.From(1L))))));

    [Fact]
    public void Request_IsRead_WithItsNumbersExact()
    {
        var bytes = Encoding.UTF8.GetBytes("""{"jsonrpc":"2.0","id":2,"method":"m","params":{"size":18446744073709551615}}""");

        var request = Assert.IsType<RpcRequest>(_formatter.Deserialize(new ReadOnlySequence<byte>(bytes)));

        Assert.Equal("m", request.Name);
        Assert.Equal(Value.From(ulong.MaxValue), request.Named!["size"]);
    }

    [Theory]
    [InlineData(RefusalKind.Refused, ErrorClass.GenericError, -32000)]
    [InlineData(RefusalKind.Refused, ErrorClass.DeviceNotFound, -32000)]
    [InlineData(RefusalKind.Refused, ErrorClass.CommandNotFound, -32601)]
    [InlineData(RefusalKind.UnknownCommand, ErrorClass.CommandNotFound, -32601)]
    [InlineData(RefusalKind.InvalidArguments, ErrorClass.GenericError, -32602)]
    [InlineData(RefusalKind.Internal, ErrorClass.GenericError, -32603)]
    [InlineData(RefusalKind.Cancelled, ErrorClass.GenericError, -32800)]
    public void Code_FollowsFromTheKindOfRefusal(RefusalKind kind, ErrorClass errorClass, int code) =>
        Assert.Equal(code, RpcFault.Of(new QmpException(errorClass, "", kind)).Code);
}

static class Values
{
    public static Value Member(this Value value, string name) => value.TryObject(out var members) ? members[name] : Value.Null;
}
