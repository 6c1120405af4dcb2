using System.Buffers;
using System.Text;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Qmp;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Unit.Protocol.Qmp;

public class RequestTests
{
    static Value Json(string text)
    {
        var buffer = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text));
        Assert.True(new JsonReader(new()).TryRead(ref buffer, out var result));
        return result.Value;
    }

    // qmp.md § 5: members are checked in walking order; the first problem wins.
    [Theory]
    [InlineData("[]", "QMP input must be a JSON object")]
    [InlineData("\"x\"", "QMP input must be a JSON object")]
    [InlineData("{}", "QMP input lacks member 'execute'")]
    [InlineData("{\"id\":1}", "QMP input lacks member 'execute'")]
    [InlineData("{\"execute\":5}", "QMP input member 'execute' must be a string")]
    [InlineData("{\"execute\":\"x\",\"arguments\":null}", "QMP input member 'arguments' must be an object")]
    [InlineData("{\"execute\":\"x\",\"foo\":1,\"bar\":2}", "QMP input member 'bar' is unexpected")]
    [InlineData("{\"execute\":5,\"bar\":2}", "QMP input member 'bar' is unexpected")]
    [InlineData("{\"execute\":5,\"foo\":2}", "QMP input member 'execute' must be a string")]
    [InlineData("{\"execute\":\"x\",\"exec-oob\":\"y\"}", "QMP input member 'exec-oob' is unexpected")]
    public void Envelope_ThatIsWrong_IsToldByItsFirstFault(string text, string expected) =>
        Assert.Equal(expected, Request.Read(Json(text), outOfBandEnabled: false, 0, out _)?.Message);

    [Fact]
    public void BothVerbs_Clash_WhenOutOfBandIsEnabled() => Assert.Equal("QMP input member 'execute' clashes with 'exec-oob'",
        Request.Read(Json("{\"execute\":\"x\",\"exec-oob\":\"y\"}"), outOfBandEnabled: true, 0, out _)?.Message);

    [Fact]
    public void Fault_LeavesTheIdForTheReply()
    {
        Request.Read(Json("{\"execute\":5,\"id\":null}"), outOfBandEnabled: false, 0, out var request);

        Assert.Equal(Value.Null, request.Id);
    }

    [Fact]
    public void Request_KeepsWhatCame()
    {
        Assert.Null(Request.Read(Json("{\"exec-oob\":\"yank\",\"arguments\":{\"a\":1},\"id\":[]}"), outOfBandEnabled: true, 7, out var request));

        Assert.Equal(("yank", true, 7L, 1), (request.Command, request.OutOfBand, request.DescriptorBatch, request.Arguments.Count));
    }

    [Fact]
    public void Request_WithoutId_HasNone()
    {
        Request.Read(Json("{\"execute\":\"x\"}"), outOfBandEnabled: false, 0, out var request);

        Assert.Null(request.Id);
    }
}
