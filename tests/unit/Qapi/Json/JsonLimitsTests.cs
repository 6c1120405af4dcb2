using global::HostMemd.Qapi.Json;
using static HostMemd.Unit.Qapi.Json.Reading;

namespace HostMemd.Unit.Qapi.Json;

public class JsonLimitsTests
{
    const string Nesting = "JSON nesting depth limit exceeded";

    static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    [Theory]
    [InlineData("[", "]")]
    [InlineData("{\"a\":[", "]}")]
    public void Depth_OfTheLimit_IsFine(string open, string close)
    {
        var count = 1024 / open.Count(c => c is '[' or '{');
        var value = Repeat(open, count) + Repeat(close, count);
        Assert.Equal([value.Replace(":", ": ", StringComparison.Ordinal)], Read(value));
    }

    [Theory]
    [InlineData("[", 1025, "]", 1025)]
    [InlineData("{\"a\":", 1025, "}", 1025)]
    [InlineData("[", 5000, "]", 5000)]
    public void Depth_AboveTheLimit_IsOneError(string open, int opened, string close, int closed) =>
        Assert.Equal([Nesting, "{}"], Read(Repeat(open, opened) + Repeat(close, closed) + "{}"));

    [Fact]
    public void Depth_AboveTheLimit_BracketsAreStillCounted() =>
        Check("[[[[]]]]]{}", [Nesting, Error(9, "expecting value"), "{}"], new() { Depth = 3 });

    [Fact]
    public void Depth_ComesBeforeSyntax() => Check("[[1 [", [Nesting], new() { Depth = 2 });

    [Fact]
    public void Depth_AboveTheLimit_IsEndedByStrayByteSilently() => Check("[[[\u0001{}", [Nesting, "{}"], new() { Depth = 2 });

    [Fact]
    public void Tokens_AboveTheLimit_AreOneError() =>
        Check("[1,2][1,2,3]{}", ["[1, 2]", "JSON token count limit exceeded", "{}"], new() { Tokens = 5 });

    [Fact]
    public void TokenBytes_AboveTheLimit_AreOneError() =>
        Check("['ab'  ]['abc'][]", ["[\"ab\"]", "JSON token size limit exceeded", "[]"], new() { TokenBytes = 6 });

    [Theory]
    [InlineData("[1234567]{}", "[1234567]", "{}")]
    [InlineData("[12345678]{}", "TOO LARGE", "{}")]
    [InlineData("[ '[1,2' ] {}", "TOO LARGE", "{}")]
    [InlineData("['[[[[[[[[[[']{}", "TOO LARGE", "{}")]
    [InlineData("123456789 {}", "123456789", "{}")]
    [InlineData("1234567890 {}", "TOO LARGE", "{}")]
    [InlineData("'123456789[' {}", "TOO LARGE", "{}")]
    [InlineData("[1,2,3,4,@{}", "TOO LARGE", "{}")]
    [InlineData("          {}", "{}")]
    public void RequestBytes_AboveTheLimit_AreOneError(string input, params string[] expected)
    {
        const string TooLarge = "request is larger than the limit request-bytes of 9 bytes";
        Check(input, [.. expected.Select(e => e == "TOO LARGE" ? TooLarge : e)], new() { RequestBytes = new("RequestBytes", 9) });
    }

    [Fact]
    public void TooLargeRequest_IsNotKept()
    {
        var reader = new JsonReader(new() { RequestBytes = new("RequestBytes", 1000) });
        Assert.Empty(Read(reader, Bytes("['" + new string('a', 500))));
        Assert.Equal(502, reader.PendingBytes);
        Assert.Single(Read(reader, Bytes(new string('a', 500))));
        Assert.Equal(0, reader.PendingBytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var more = Bytes(new string('b', 1 << 20));
        Assert.Empty(Read(reader, more, more));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (1 << 20) + (16 << 10) + (2 << 20));
        Assert.Equal(0, reader.PendingBytes);
        Assert.Equal(["1"], Read(reader, Bytes("'] 1 ")));
    }

    [Fact]
    public void PendingBytes_AreThoseOfTheOpenMessage()
    {
        var reader = new JsonReader(new());
        Read(reader, Bytes("{} \n"));
        Assert.Equal(0, reader.PendingBytes);
        Read(reader, Bytes("[1,'ab"));
        Assert.Equal(6, reader.PendingBytes);
        Read(reader, Bytes("']"));
        Assert.Equal(0, reader.PendingBytes);
    }
}
