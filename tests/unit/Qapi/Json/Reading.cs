using System.Buffers;
using System.Text;
using HostMemd.Qapi.Json;

namespace HostMemd.Unit.Qapi.Json;

/// <summary>What a reader makes of some bytes, as texts: a value as it is written, an error as its description.</summary>
static class Reading
{
    /// <summary>Each character of an input is one byte.</summary>
    public static byte[] Bytes(string input) => Encoding.Latin1.GetBytes(input);

    public static string[] Read(JsonReader reader, params ReadOnlySpan<byte[]> pieces)
    {
        var told = new List<string>();
        foreach (var piece in pieces)
        {
            var buffer = new ReadOnlySequence<byte>(piece);
            while (reader.TryRead(ref buffer, out var result))
                told.Add(result.Error?.Message ?? JsonWriter.ToText(result.Value));
            Assert.True(buffer.IsEmpty);
        }
        return [.. told];
    }

    public static string[] Read(string input, JsonLimits? limits = null) => Read(new JsonReader(limits ?? new()), Bytes(input));

    /// <summary>Whole, cut in two at every place, and byte by byte: always the same.</summary>
    public static void Check(string input, string[] expected, JsonLimits? limits = null)
    {
        var bytes = Bytes(input);
        Assert.Equal(expected, Read(new JsonReader(limits ?? new()), bytes));
        for (var cut = 1; cut < bytes.Length; cut++)
            Assert.Equal(expected, Read(new JsonReader(limits ?? new()), bytes[..cut], bytes[cut..]));
        Assert.Equal(expected, Read(new JsonReader(limits ?? new()), [.. bytes.Select(b => new[] { b })]));
    }

    /// <summary>The same for an input that is one error, found in its first line.</summary>
    public static void CheckError(string input, int column, string text) => Check(input, [Error(column, text)]);

    public static string Error(int column, string text, int line = 1) => $"{line}:{column}: JSON parse error, {text}";
}
