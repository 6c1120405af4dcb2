using System.Buffers;
using System.Text;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using HostMemd.Rpc.Framing;

namespace HostMemd.Unit.Rpc;

public sealed class FrameReaderTests
{
    static readonly Limit s_limit = new("RequestBytes", 1000);

    /// <summary>What the messages of an input are: their text, or the error's; brought in pieces of that many bytes.</summary>
    static List<string> Read(string input, int piece = int.MaxValue, bool ends = false) =>
        Read(Encoding.Latin1.GetBytes(input), piece, ends);

    static List<string> Read(byte[] input, int piece, bool ends)
    {
        var reader = new FrameReader(s_limit);
        var found = new List<string>();
        for (var at = 0; at < input.Length; at += Math.Min(piece, input.Length - at))
        {
            var bytes = new ReadOnlySequence<byte>(input, at, Math.Min(piece, input.Length - at));
            while (reader.TryRead(ref bytes, out var message))
                found.Add(Show(message));
        }
        if (ends && reader.TryEnd(out var last))
            found.Add(Show(last));
        return found;
    }

    static string Show(JsonResult message) => message.Error is { } error ? "! " + error.Message : JsonWriter.ToText(message.Value);

    static string Headed(string body, string headers = "") =>
        $"{headers}Content-Length: {Encoding.Latin1.GetByteCount(body)}\r\n\r\n{body}";

    public static TheoryData<string, string[]> Inputs => new()
    {
        { "{\"a\":1}\n{\"b\":2}\n", ["{\"a\": 1}", "{\"b\": 2}"] },
        { "{\"a\":1}\r\n\r\n  \n[1]\r\n", ["{\"a\": 1}", "[1]"] },
        { "\u00ef\u00bb\u00bf{\"a\":1}\n", ["{\"a\": 1}"] },
        { "\r\n\r\n{\"a\":1}\n", ["{\"a\": 1}"] },
        { "{\"a\":1} {\"b\":2}\n{}\n", ["! Expecting at most one JSON value", "{}"] },
        { "{\"a\":1} x\n{}\n", ["! Expecting at most one JSON value", "{}"] },
        { "{\"a\":\n{}\n", ["! 1:5: JSON parse error, premature end of input", "{}"] },
        { "{}\n5\ntrue\n\"x\"\n", ["{}", "5", "true", "\"x\""] },
        { "{}\n\"x\n{}\n", ["{}", "! 1:1: JSON parse error, premature end of input", "{}"] },
        { "{}\n\"\\\n{}\n", ["{}", "! 1:1: JSON parse error, premature end of input", "{}"] },
        { Headed("{\"a\":1}") + Headed("5"), ["{\"a\": 1}", "5"] },
        { Headed("{\"a\":1}", "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nX-Other: y\r\n"), ["{\"a\": 1}"] },
        { Headed("{}", "content-type: application/json\r\n").Replace("Content-L", "cOnTENT-l", StringComparison.Ordinal), ["{}"] },
        { "Content-Length:2\n\n{}", ["{}"] },
        { "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}\r\n" + Headed("[]"), ["{}", "[]"] },
        { Headed("") + Headed("{}"), ["! Expecting a JSON value", "{}"] },
        { Headed("  ") + Headed("{}"), ["! Expecting a JSON value", "{}"] },
        { Headed("{\"a\"") + Headed("{}"), ["! 1:2: JSON parse error, premature end of input", "{}"] },
        { Headed("{}{}") + Headed("{}"), ["! Expecting at most one JSON value", "{}"] },
        { Headed("{}", "Content-Type: application/json; charset=\"utf-16\"\r\n") + Headed("{}"),
            ["! the charset must be utf-8, not 'utf-16'", "{}"] },
        { Headed(new string(' ', 1001)) + Headed("{}"), ["! request is larger than the limit request-bytes of 1000 bytes", "{}"] },
        { "{\"a\":\"" + new string('x', 1001) + "\"}\n{}\n", ["! request is larger than the limit request-bytes of 1000 bytes", "{}"] },
    };

    [Theory]
    [MemberData(nameof(Inputs))]
    public void Messages_AreFound_HoweverTheInputIsSplit(string input, string[] expected)
    {
        for (var piece = 1; piece <= 9; piece++)
            Assert.Equal(expected, Read(input, piece));
        Assert.Equal(expected, Read(input));
    }

    [Theory]
    [InlineData("{\"a\":1}", "{\"a\": 1}")]
    [InlineData("{\"a\"", "! 1:2: JSON parse error, premature end of input")]
    [InlineData("{}\n7", "7")]
    public void LastLine_MayLackItsEnd(string input, string expected) => Assert.Equal(expected, Read(input, ends: true)[^1]);

    [Fact]
    public void End_InsideABody_IsNoMessage() => Assert.Empty(Read("Content-Length: 5\r\n\r\n{}", ends: true));

    [Theory]
    [InlineData("hello\r\n", "'hello' is no header")]
    [InlineData(": 5\r\n", "': 5' is no header")]
    [InlineData("Content-Length: -1\r\n", "'-1' is no Content-Length")]
    [InlineData("Content-Length: +1\r\n", "'+1' is no Content-Length")]
    [InlineData("Content-Length: 1x\r\n", "'1x' is no Content-Length")]
    [InlineData("Content-Length:\r\n", "'' is no Content-Length")]
    [InlineData("Content-Length: 99999999999999999999\r\n", "'99999999999999999999' is no Content-Length")]
    [InlineData("Content-Length: 2\r\nContent-Length: 3\r\n", "there are two Content-Length, '2' and '3'")]
    [InlineData("X: y\r\n\r\n{}", "there is no Content-Length among the headers")]
    public void Headers_ThatSayNoLength_LoseTheFraming(string input, string reason)
    {
        Assert.Equal(reason, Assert.Throws<FrameFault>(() => Read(input)).Message);
        Assert.Equal(reason, Assert.Throws<FrameFault>(() => Read(input, 1)).Message);
    }

    [Fact]
    public void Headers_WithoutEnd_AreNotKept()
    {
        foreach (var endless in (string[])[new('x', 5000), string.Concat(Enumerable.Repeat("X: y\r\n", 1000))])
            Assert.Equal("the headers have more than 4096 bytes", Assert.Throws<FrameFault>(() => Read(endless, 100)).Message);
    }

    [Fact]
    public void Body_IsCountedAsUnfinished_AndALengthThatIsOnlyClaimedIsNot()
    {
        var reader = new FrameReader(s_limit);
        var bytes = new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes("Content-Length: 999\r\n\r\n{\"a\":\"bcd"));

        Assert.False(reader.TryRead(ref bytes, out _));

        Assert.Equal(9, reader.PendingBytes);
    }

    [Fact]
    public void Body_OfAnyLength_IsSkipped()
    {
        var reader = new FrameReader(s_limit);
        var bytes = new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes("Content-Length: 9000000000000000000\r\n\r\n{\"a\":"));

        Assert.True(reader.TryRead(ref bytes, out var message));

        Assert.NotNull(message.Error);
        Assert.False(reader.TryRead(ref bytes, out _));
        Assert.Equal(0, reader.PendingBytes);
    }
}
