using System.Buffers;
using System.Text;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Qmp;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Unit.Protocol.Qmp;

public class SessionTests
{
    readonly Output _output = new(pretty: false, limit: 1 << 20);
    readonly TaskCompletionSource<Value> _slow = new();
    readonly Session _session;

    public SessionTests() =>
        _session = new(_output, PeerCredentials.Unknown, Run, new WireLimits { QueuedRequests = new("QueuedRequests", 8) });

    ValueTask<Value> Run(Call call) => call.Command switch
    {
        "slow" => new(_slow.Task),
        "fail" => throw QmpErrors.JobNotFound(),
        var name => new(Value.From(name)),
    };

    ValueTask Send(string text)
    {
        var buffer = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text));
        Assert.True(new JsonReader(new()).TryRead(ref buffer, out var message));
        return _session.ReceiveAsync(message);
    }

    string[] Told()
    {
        _output.Flush();
        if (!_output.Reader.TryRead(out var read))
            return [];
        var text = Encoding.ASCII.GetString(read.Buffer);
        _output.Reader.AdvanceTo(read.Buffer.End);
        return text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
    }

    [Fact]
    public async Task Reply_HasItsIdLast_AndAnErrorItsIdFirst()
    {
        _session.Negotiate(outOfBand: false);
        await Send("{\"execute\":\"a\",\"id\":1}");
        await Send("{\"execute\":\"fail\",\"id\":2}");
        await Send("{\"execute\":\"b\"}");

        Assert.Equal(["{\"return\": \"a\", \"id\": 1}", "{\"id\": 2, \"error\": {\"class\": \"GenericError\", \"desc\": \"Job not found\"}}",
            "{\"return\": \"b\"}"], Told());
    }

    [Fact]
    public async Task WithoutOutOfBand_TheNextIsReadAfterTheAnswer()
    {
        _session.Negotiate(outOfBand: false);
        var reading = Send("{\"execute\":\"slow\"}");
        Assert.False(reading.IsCompleted);

        _slow.SetResult(Value.Empty);

        await reading;
        Assert.Equal(["{\"return\": {}}"], Told());
    }

    [Fact]
    public async Task OutOfBand_OvertakesWhatIsQueued_AndTheQueueHoldsEight()
    {
        _session.Negotiate(outOfBand: true);
        await Send("{\"execute\":\"slow\",\"id\":0}");
        for (var i = 1; i <= 7; i++)
            Assert.True(Send($"{{\"execute\":\"q\",\"id\":{i}}}").IsCompleted);
        await Send("{\"exec-oob\":\"oob\",\"id\":\"oob\"}");
        Assert.Equal(["{\"return\": \"oob\", \"id\": \"oob\"}"], Told());

        var eighth = Send("{\"execute\":\"q\",\"id\":8}");
        Assert.False(eighth.IsCompleted);
        Assert.Equal(8, _session.Queued);
        _slow.SetResult(Value.Empty);
        await eighth;
        await _session.Idle;

        Assert.Equal(0, _session.Queued);
        Assert.Equal(["{\"return\": {}, \"id\": 0}", .. Enumerable.Range(1, 8).Select(i => $"{{\"return\": \"q\", \"id\": {i}}}")], Told());
    }

    [Fact]
    public void Negotiate_Twice_IsRefused()
    {
        _session.Negotiate(outOfBand: false);

        var refusal = Assert.Throws<QmpException>(() => _session.Negotiate(outOfBand: false));
        Assert.Equal((ErrorClass.CommandNotFound, "Capabilities negotiation is already complete, command ignored"),
            (refusal.Class, refusal.Message));
    }

    [Fact]
    public async Task BeforeTheNegotiation_OnlyItsCommandIsRun()
    {
        await Send("{\"execute\":\"a\",\"id\":1}");
        await Send("{\"execute\":\"qmp_capabilities\"}");

        Assert.Equal(["{\"id\": 1, \"error\": {\"class\": \"CommandNotFound\", "
            + "\"desc\": \"Expecting capabilities negotiation with 'qmp_capabilities'\"}}", "{\"return\": \"qmp_capabilities\"}"], Told());
    }

    [Fact]
    public async Task AfterTheEnd_NothingIsAnswered()
    {
        _session.Negotiate(outOfBand: false);
        _session.End();

        await Send("{\"execute\":\"a\"}");

        Assert.Empty(Told());
    }
}
