using System.Text;
using HostMemd.Protocol.Qmp;
using HostMemd.Qapi;

namespace HostMemd.Unit.Protocol.Qmp;

public class OutputTests
{
    static string Text(Output output)
    {
        output.Flush();
        return output.Reader.TryRead(out var read) ? Encoding.ASCII.GetString(read.Buffer) : "";
    }

    [Fact]
    public void Message_EndsWithCrLf()
    {
        var output = new Output(pretty: false, limit: 1000);

        output.Return(Value.Empty, null);
        output.Send(Value.Object(("event", Value.From("X"))));

        Assert.Equal("{\"return\": {}}\r\n{\"event\": \"X\"}\r\n", Text(output));
    }

    [Fact]
    public void Pretty_IndentsByFour_WithCrLfAfterEveryLine()
    {
        var output = new Output(pretty: true, limit: 1000);

        output.Return(Value.From(Array.Empty<Value>()), Value.From(1L));

        Assert.Equal("{\r\n    \"return\": [\r\n    ],\r\n    \"id\": 1\r\n}\r\n", Text(output));
    }

    [Fact]
    public void MorePendingThanTheLimit_IsTold()
    {
        var told = false;
        var output = new Output(pretty: false, limit: 20) { Overflowed = () => told = true };

        output.Return(Value.Empty, null);
        output.Flush();
        Assert.False(told);
        output.Return(Value.Empty, null);
        output.Flush();

        Assert.True(told);
        Assert.Equal(32, output.Pending);
    }

    [Fact]
    public void AfterComplete_NothingIsWritten_AndDescriptorsAreClosed()
    {
        var output = new Output(pretty: false, limit: 1000);
        var handle = File.OpenHandle("/dev/null");

        output.Complete();
        output.Return(Value.Empty, null, handle);

        Assert.True(handle.IsClosed);
        Assert.Equal(0, output.Pending);
    }

    // The socket is given one piece after the other.
    [Fact]
    public void LongReply_IsInFewPieces()
    {
        var output = new Output(pretty: false, limit: long.MaxValue);
        var text = string.Concat(Enumerable.Range(0, 200_000).Select(i => (char)('a' + i % 26)));

        for (var round = 0; round < 3; round++)
        {
            output.Return(Value.From([Value.From(text), Value.From(text), Value.From(text), Value.From(text), Value.From(text)]), null);
            output.Flush();
            Assert.True(output.Reader.TryRead(out var read));
            var pieces = 0;
            foreach (var piece in read.Buffer)
                pieces += piece.Length > 0 ? 1 : 0;
            Assert.Equal($"{{\"return\": [{string.Join(", ", Enumerable.Repeat($"\"{text}\"", 5))}]}}\r\n", Encoding.ASCII.GetString(read.Buffer));
            Assert.InRange(pieces, 1, 24);
            output.Sent(read.Buffer.Length);
            output.Reader.AdvanceTo(read.Buffer.End);
        }
    }
}
