using global::HostMemd.Qapi.Json;
using static HostMemd.Unit.Qapi.Json.Reading;

namespace HostMemd.Unit.Qapi.Json;

public class JsonStringsTests
{
    [Theory]
    [InlineData("\"\"", "")]
    [InlineData("''", "")]
    [InlineData("'a\"b'", "a\"b")]
    [InlineData("\"a'b\"", "a'b")]
    [InlineData("'a\\'b'", "a'b")]
    [InlineData("\"a\\'b\"", "a'b")]
    [InlineData("'\\\"\\\\\\/\\b\\f\\n\\r\\t'", "\"\\/\b\f\n\r\t")]
    [InlineData("'%s %d'", "%s %d")]
    [InlineData("'\\u0041\\u00e9\\u20AC'", "A\u00E9\u20AC")]
    [InlineData("'\\u0000'", "\0")]
    [InlineData("'\\ud83d\\ude00'", "\U0001F600")]
    [InlineData("'\\udbff\\udffd'", "\U0010FFFD")]
    [InlineData("'\u007F'", "\u007F")]
    [InlineData("'\u00C2\u0080'", "\u0080")]
    [InlineData("'\u00E2\u0082\u00AC'", "\u20AC")]
    [InlineData("'\u00F0\u009F\u0098\u0080'", "\U0001F600")]
    [InlineData("'\u00C0\u0080'", "\0")]
    public void String_IsDecoded(string input, string expected)
    {
        Check(input, [JsonWriter.ToText(global::HostMemd.Qapi.Value.From(expected))]);
        var buffer = new System.Buffers.ReadOnlySequence<byte>(Bytes(input));
        Assert.True(new JsonReader(new()).TryRead(ref buffer, out var result));
        Assert.True(result.Value.TryString(out var text));
        Assert.Equal(expected, text);
    }

    [Theory]
    [InlineData("'\\q'")]
    [InlineData("'\\x41'")]
    [InlineData("'\\U0041'")]
    [InlineData("'\\0'")]
    [InlineData("'\\ '")]
    public void UnknownEscape_IsRefused(string input) => CheckError(input, 1, "invalid escape sequence in string");

    [Theory]
    [InlineData("\"\\ud83d\"", "\\ud83d")]
    [InlineData("\"\\ud83dx\"", "\\ud83d")]
    [InlineData("\"\\ud83d\\u0041\"", "\\ud83d")]
    [InlineData("\"\\ud83d\\u00\"", "\\ud83d")]
    [InlineData("\"\\ude00\\ud83d\"", "\\ude00")]
    [InlineData("\"\\uFFFE\"", "\\uFFFE")]
    [InlineData("\"\\uffff\"", "\\uffff")]
    [InlineData("\"\\ufdd0\"", "\\ufdd0")]
    [InlineData("\"\\uFDEF\"", "\\uFDEF")]
    [InlineData("\"\\ud83f\\udffe\"", "\\ud83f\\udffe")]
    [InlineData("\"\\u12\"", "\\u12\"")]
    [InlineData("\"\\u12G4\"", "\\u12G4")]
    [InlineData("\"\\u\"", "\\u\"")]
    [InlineData("\"\\u12\u00C3\u00A9\"", "\\u12\u00E9")]
    [InlineData("\"\\u123\u00C3\u00A9\"", "\\u123\uFFFD")]
    public void EscapeOfNoCharacter_IsRefusedAndQuoted(string input, string quoted) =>
        CheckError(input, 1, quoted + " is not a valid Unicode character");

    [Theory]
    [InlineData("'\u0080'")]
    [InlineData("'\u00C3'")]
    [InlineData("'\u00C3('")]
    [InlineData("'\u00E2\u0082'")]
    [InlineData("'\u00C1\u00BF'")]
    [InlineData("'\u00E0\u0080\u0080'")]
    [InlineData("'\u00ED\u00A0\u0080'")]
    [InlineData("'\u00EF\u00BF\u00BE'")]
    [InlineData("'\u00EF\u00B7\u0090'")]
    [InlineData("'\u00F0\u009F\u00BF\u00BE'")]
    [InlineData("'\u00F4\u0090\u0080\u0080'")]
    [InlineData("'\u00F8\u0088\u0080\u0080\u0080'")]
    [InlineData("'\u00FD'")]
    public void RawBytes_ThatAreNoCharacter_AreRefused(string input) => CheckError(input, 1, "invalid UTF-8 sequence in string");

    [Fact]
    public void BadString_WhereNoneIsDue_IsNotLookedInto() => CheckError("[1 \"\\q\"]", 4, "expected ',' or ']'");

    [Fact]
    public void BadKey_IsRefusedLikeAnyString() => CheckError("{ \"\\q\":1}", 3, "invalid escape sequence in string");

    [Theory]
    [InlineData(47)]
    [InlineData(48)]
    [InlineData(49)]
    [InlineData(100_000)]
    public void LongString_InPieces_IsWhole(int length)
    {
        var content = new string('a', length);
        var bytes = Bytes($"'{content}'");
        Assert.Equal([$"\"{content}\""], Read(new JsonReader(new()), [.. bytes.Chunk(1000)]));
    }

    [Fact]
    public void RepeatedShortString_IsOneObject()
    {
        var cache = new StringCache();
        Assert.Same(cache.Get("execute"u8), cache.Get("execute"u8));
        Assert.NotSame(cache.Get(new byte[100]), cache.Get(new byte[100]));
    }
}
