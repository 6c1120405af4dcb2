using System.Buffers;
using System.Text;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Unit.Qapi.Json;

public class JsonWriterTests
{
    static Value List(params Value[] items) => Value.From(items);

    [Fact]
    public void Greeting_IsQemusToTheByte() => Assert.Equal(
        "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 2, \"minor\": 1, \"major\": 11}, "
        + "\"package\": \"p\"}, \"capabilities\": [\"oob\"]}}",
        JsonWriter.ToText(Value.Object(("QMP", Value.Object(
            ("capabilities", List(Value.From("oob"))),
            ("version", Value.Object(
                ("package", Value.From("p")),
                ("qemu", Value.Object(("major", Value.From(11L)), ("minor", Value.From(1L)), ("micro", Value.From(2L)))))))))));

    [Fact]
    public void Empty_Containers_HaveNoBlanks()
    {
        Assert.Equal("{}", JsonWriter.ToText(Value.Empty));
        Assert.Equal("[]", JsonWriter.ToText(List()));
    }

    [Theory]
    [InlineData("\"\\\b\f\n\r\t", "\\\"\\\\\\b\\f\\n\\r\\t")]
    [InlineData("/'", "/'")]
    [InlineData("\0\u0001\u001f\u007f\u0080", "\\u0000\\u0001\\u001F\\u007F\\u0080")]
    [InlineData("é€", "\\u00E9\\u20AC")]
    [InlineData("\U0001F600", "\\uD83D\\uDE00")]
    [InlineData("\uFFFE\uFDD0\U0001FFFE", "\\uFFFD\\uFFFD\\uFFFD")]
    public void String_IsEscapedLikeQemus(string text, string expected) =>
        Assert.Equal($"\"{expected}\"", JsonWriter.ToText(Value.From(text)));

    [Fact]
    public void LoneSurrogate_IsTheReplacementCharacter() =>
        Assert.Equal("\"a\\uFFFDb\\uFFFD\"", JsonWriter.ToText(Value.From("a" + (char)0xD800 + "b" + (char)0xDC00)));

    [Theory]
    [InlineData(0.1, "0.10000000000000001")]
    [InlineData(1000, "1000")]
    [InlineData(1, "1")]
    [InlineData(0, "0")]
    [InlineData(1e16, "10000000000000000")]
    [InlineData(1e17, "1e+17")]
    [InlineData(12345678901234567.0, "12345678901234568")]
    [InlineData(18446744073709551616.0, "1.8446744073709552e+19")]
    [InlineData(123456789.123, "123456789.123")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(1e-5, "1.0000000000000001e-05")]
    [InlineData(-1.5e-7, "-1.4999999999999999e-07")]
    [InlineData(5e-324, "4.9406564584124654e-324")]
    [InlineData(double.MaxValue, "1.7976931348623157e+308")]
    [InlineData(double.PositiveInfinity, "inf")]
    [InlineData(double.NegativeInfinity, "-inf")]
    public void Double_IsPrintedAsC(double value, string expected) => Assert.Equal(expected, JsonWriter.ToText(Value.From(value)));

    [Fact]
    public void NegativeZero_KeepsItsSign() => Assert.Equal("-0", JsonWriter.ToText(Value.From(-0d)));

    [Fact]
    public void Integers_KeepTheirSign() => Assert.Equal(
        "[-9223372036854775808, 9223372036854775807, 18446744073709551615]",
        JsonWriter.ToText(List(Value.From(long.MinValue), Value.From(long.MaxValue), Value.From(ulong.MaxValue))));

    [Fact]
    public void Pretty_IsQemusToTheByte() => Assert.Equal(
        "{\r\n    \"a\": [\r\n    ],\r\n    \"b\": {\r\n    },\r\n    "
        + "\"c\": [\r\n        1,\r\n        [\r\n            2\r\n        ]\r\n    ]\r\n}",
        JsonWriter.ToText(
            Value.Object(("a", List()), ("b", Value.Empty), ("c", List(Value.From(1L), List(Value.From(2L))))), pretty: true));

    [Fact]
    public void WriteString_HasItsQuotes()
    {
        var output = new ArrayBufferWriter<byte>();
        JsonWriter.WriteString(output, "a\nb");
        Assert.Equal("\"a\\nb\"", Encoding.ASCII.GetString(output.WrittenSpan));
    }

    [Theory]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(513)]
    [InlineData(100_000)]
    public void LongString_IsWhole(int length)
    {
        var text = new string('a', length);
        Assert.Equal($"[\"{text}\", \"{text}\\u0001\"]", JsonWriter.ToText(List(Value.From(text), Value.From(text + "\u0001"))));
    }

    [Fact]
    public void DeepValue_OnSmallThread_IsWritten()
    {
        var value = Value.Null;
        for (var i = 0; i < 100_000; i++)
            value = List(value);
        string? text = null;
        var thread = new Thread(() => text = JsonWriter.ToText(value), 128 << 10);
        thread.Start();
        thread.Join();
        Assert.Equal(200_004, text!.Length);
    }

    sealed class Pair
    {
        public string? First { get; set; }
        public string? Second { get; set; }
        public ulong? Third { get; set; }
        public Pair? Inner { get; set; }
        public IReadOnlyList<Pair> More { get; set; } = [];
    }

    static readonly QapiStruct<Pair> s_pair = new("Pair", rows => rows
        .Opt("first", QapiTypes.Str, "", p => p.First, (p, v) => p.First = v)
        .Opt("second", QapiTypes.Str, "", p => p.Second, (p, v) => p.Second = v)
        .Opt("third", QapiTypes.Size, "", p => p.Third, (p, v) => p.Third = v)
        .Opt("inner", s_pair!, "", p => p.Inner, (p, v) => p.Inner = v)
        .Row("more", QapiTypes.ListOf(s_pair!), "", p => p.More, (p, v) => p.More = v));

    // Whichever members are absent, first or last in the order of writing.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhatIsMadeWhileItIsWritten_IsWrittenTheSame(bool pretty)
    {
        var pairs = Enumerable.Range(0, 16).Select(i => new Pair
        {
            First = (i & 1) != 0 ? "a" : null,
            Second = (i & 2) != 0 ? "b" : null,
            Third = (i & 4) != 0 ? 3 : null,
            Inner = (i & 8) != 0 ? new() { Third = 4, More = [new(), new() { First = "deep" }] } : null,
        }).ToList();
        var list = QapiTypes.ListOf(s_pair);

        var (atOnce, later) = (list.Write(pairs), list.WriteLazily(pairs));

        Assert.Equal(JsonWriter.ToText(atOnce, pretty), JsonWriter.ToText(later, pretty));
        Assert.Equal(JsonWriter.ToText(atOnce, pretty), JsonWriter.ToText(later, pretty));
        Assert.True(atOnce == later);
        Assert.Equal(atOnce.GetHashCode(), later.GetHashCode());
    }

    [Fact]
    public void WhatIsMadeWhileItIsWritten_IsInQemusOrder() => Assert.Equal(
        JsonWriter.ToText(Value.Object(("first", Value.From("a")), ("third", Value.From(3L)), ("more", List()))),
        JsonWriter.ToText(s_pair.WriteLazily(new() { First = "a", Third = 3 })));

    [Fact]
    public void WhatIsMadeWhileItIsWritten_IsNotMadeBefore()
    {
        var pair = new Pair { First = "before" };
        var later = s_pair.WriteLazily(pair);
        pair.First = "after";
        Assert.Contains("after", JsonWriter.ToText(later));
    }
}
