using System.Buffers;
using HostMemd.Qapi.Json;
using static HostMemd.Unit.Qapi.Json.Reading;

namespace HostMemd.Unit.Qapi.Json;

public class JsonReaderTests
{
    [Theory]
    [InlineData("}", 1, "expecting value")]
    [InlineData("]", 1, "expecting value")]
    [InlineData(",", 1, "expecting value")]
    [InlineData(":", 1, "expecting value")]
    [InlineData("[,]", 2, "expecting value")]
    [InlineData("[1 ,]", 5, "expecting value")]
    [InlineData("{\"a\":}", 6, "expecting value")]
    [InlineData("{1 }", 2, "expecting key")]
    [InlineData("{,}", 2, "expecting key")]
    [InlineData("{\"a\":\"b\",}", 10, "expecting key")]
    [InlineData("{null }", 2, "expecting key")]
    [InlineData("{\"a\" 1}", 6, "expecting ':'")]
    [InlineData("{\"a\"}", 5, "expecting ':'")]
    [InlineData("{\"a\":\"b\" \"c\"}", 10, "expected ',' or '}'")]
    [InlineData("{\"a\":\"b\":1}", 9, "expected ',' or '}'")]
    [InlineData("[1 2]", 4, "expected ',' or ']'")]
    [InlineData("[\"a\":1]", 5, "expected ',' or ']'")]
    [InlineData("{\"a\":1,\"a\":   22}", 15, "duplicate key")]
    [InlineData("{\"a\":1,\"a\":{}}", 13, "duplicate key")]
    [InlineData("[{\"a\":{\"b\":1,\"c\":2,\"b\":[3,4 ]}}]", 29, "duplicate key")]
    [InlineData("{\"a\":1,'\\u0061':2 }", 17, "duplicate key")]
    [InlineData("foo\n", 1, "invalid keyword 'foo'")]
    [InlineData("{\"a\":tru}", 6, "invalid keyword 'tru'")]
    [InlineData("{\"a\":nullx}", 6, "invalid keyword 'nullx'")]
    public void WrongToken_IsToldAtOnce_AndTheRestIsDropped(string input, int column, string text) =>
        Check(input + "{\"ok\":1}", [Error(column, text), "{\"ok\": 1}"]);

    [Fact]
    public void Error_IsToldBeforeTheMessageIsOver() => CheckError("{\"a\" 1 ", 6, "expecting ':'");

    [Theory]
    [InlineData("{\"a\":[}{\"b\":1}", new[] { "1:7: JSON parse error, expecting value" })]
    [InlineData("{\"a\":[}{\"b\":1}]{}", new[] { "1:7: JSON parse error, expecting value", "{}" })]
    [InlineData("[}{}", new[] { "1:2: JSON parse error, expecting value", "{}" })]
    [InlineData("{]{}", new[] { "1:2: JSON parse error, expecting key", "{}" })]
    [InlineData("[[}]]", new[]
    {
        "1:3: JSON parse error, expecting value", "1:4: JSON parse error, expecting value", "1:5: JSON parse error, expecting value",
    })]
    public void Message_IsOver_WhenBothCountsAreZeroOrOneIsNegative(string input, string[] expected) => Check(input, expected);

    [Theory]
    [InlineData("[1 2 \u0001{}")]
    [InlineData("[1 2 @{}")]
    [InlineData("[1 2 \"\\q [ {\u00FF{}")]
    public void StrayByte_InReportedMessage_EndsItSilently(string input) => Check(input, [Error(4, "expected ',' or ']'"), "{}"]);

    [Fact]
    public void DroppedRest_HasNoErrorsOfItsOwn_AndItsStringsHideBrackets() =>
        Check("[1 2, \"]\\\"]\", '\\q', foo, {\"a\":1,\"a\":1}, 1e5]{}", [Error(4, "expected ',' or ']'"), "{}"]);

    [Theory]
    [InlineData("{\n \"execute\": \"query-memdev\",\n \"id\": @\n}\n", new[]
    {
        "3:8: JSON parse error, stray '@'", "4:1: JSON parse error, expecting value",
    })]
    [InlineData("{}\n[]\n\n[1 2]\n", new[] { "{}", "[]", "4:4: JSON parse error, expected ',' or ']'" })]
    [InlineData("\t\t[1\t2]\n", new[] { "1:6: JSON parse error, expected ',' or ']'" })]
    [InlineData("\r\r,\n", new[] { "1:3: JSON parse error, expecting value" })]
    [InlineData("   \"ab\\q\"\n", new[] { "1:4: JSON parse error, invalid escape sequence in string" })]
    [InlineData("'\u00C3\u00A9',\n", new[] { "\"\\u00E9\"", "1:5: JSON parse error, expecting value" })]
    [InlineData("'a\n,\n", new[] { "1:1: JSON parse error, stray ''a\n'", "2:2: JSON parse error, expecting value" })]
    public void Position_IsTheByteWhereTheTokenStarts(string input, string[] expected) => Check(input, expected);

    [Theory]
    [InlineData("1,\n", "1", 3)]
    [InlineData("null]\n", "null", 6)]
    [InlineData("1 ,\n", "1", 3)]
    [InlineData("1@\n", "1", 3, "stray '@'")]
    [InlineData("'1',\n", "\"1\"", 4)]
    public void Position_DirectlyBehindNumberOrKeyword_IsOneMore(string input, string value, int column, string text = "expecting value") =>
        Check(input, [value, Error(column, text)]);

    [Theory]
    [InlineData("@,,\n", 3, 3)]
    [InlineData("@ ,,\n", 4, 4)]
    [InlineData("@\t, ,\n", 4, 5)]
    public void Position_OfFirstTokenAfterSkipping_IsOneMore(string input, int first, int second) =>
        Check(input, [Error(1, "stray '@'"), Error(first, "expecting value"), Error(second, "expecting value")]);

    [Fact]
    public void Buffer_OfManySegments_SomeEmpty_IsReadLikeOne()
    {
        var first = new Segment(Bytes("{\"exe"), null);
        var last = new Segment(Bytes("te\":1"), new Segment([], new Segment(Bytes("cu"), new Segment([], first))));
        last = new Segment([], new Segment(Bytes("2}"), last));
        var buffer = new ReadOnlySequence<byte>(first, 0, last, 0);
        Assert.True(new JsonReader(new()).TryRead(ref buffer, out var result));
        Assert.Equal("{\"execute\": 12}", JsonWriter.ToText(result.Value));
    }

    [Fact]
    public void Result_LeavesTheRestInTheBuffer()
    {
        var buffer = new ReadOnlySequence<byte>(Bytes("{}{\"a\":1}"));
        Assert.True(new JsonReader(new()).TryRead(ref buffer, out _));
        Assert.Equal(7, buffer.Length);
    }

    [Fact]
    public void RepeatedCommand_AllocatesItsObjectsOnly()
    {
        var reader = new JsonReader(new());
        var text = Bytes("{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/objects/m0\",\"property\":\"size\"}}");
        Read(reader, text);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var buffer = new ReadOnlySequence<byte>(text);
        reader.TryRead(ref buffer, out _);
        // Two objects of four members of 40 bytes at most.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 500);
    }

    sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(byte[] bytes, Segment? before)
        {
            Memory = bytes;
            if (before is null)
                return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
