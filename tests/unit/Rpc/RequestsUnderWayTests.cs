using HostMemd.Qapi.Json;
using HostMemd.Rpc;
using HostMemd.Rpc.Messages;

namespace HostMemd.Unit.Rpc;

public sealed class RequestsUnderWayTests
{
    readonly RequestsUnderWay _underWay = new(new("RequestsInFlight", 64));

    // Otherwise a client that has closed its half is closed between the end of its last request and the answer to it.
    [Fact]
    public void Client_IsIdle_WhenTheLastAnswerIsInItsOutput_AndNotBefore()
    {
        var request = RequestReader.Read(JsonText.Parse("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"query-name\"}"), null, out var id, out _)!;
        Assert.Null(_underWay.Begin(request));
        var idle = _underWay.WhenIdle();

        Assert.Same(request, _underWay.End(id));

        Assert.Equal(0, _underWay.Count);
        Assert.False(idle.IsCompleted);
        Assert.False(_underWay.WhenIdle().IsCompleted);
        _underWay.Answered();
        Assert.True(idle.IsCompleted);
        Assert.True(_underWay.WhenIdle().IsCompleted);
    }
}
