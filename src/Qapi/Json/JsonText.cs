using System.Buffers;
using System.Text;
using HostMemd.Qapi;

namespace HostMemd.Qapi.Json;

/// <summary>JSON in a text of its own, a file or an argument: one value, and an end, which a stream does not have.</summary>
public static class JsonText
{
    // No token may contain a NUL, so it ends what is unfinished. The reader shows texts up to their NUL: of the NUL itself nothing.
    const string AtTheEnd = "stray ''";

    /// <inheritdoc cref="Parse(ReadOnlySpan{byte})"/>
    public static Value Parse(string text) => Parse(Encoding.UTF8.GetBytes(text));

    /// <exception cref="QmpException">The text is not one JSON value; the message is that of QEMU's qobject_from_json.</exception>
    public static Value Parse(ReadOnlySpan<byte> text)
    {
        if (IsBlank(text))
            throw QmpErrors.JsonMissing();
        var bytes = new ReadOnlySequence<byte>([.. text, 0]);
        if (!new JsonReader(new JsonLimits()).TryRead(ref bytes, out var result))
            throw QmpErrors.Internal();
        if (result.Error is { } error)
            throw error.Message.EndsWith(AtTheEnd, StringComparison.Ordinal) ? Premature(error) : error;
        if (!IsBlank(bytes.Slice(0, bytes.Length - 1).ToArray()))
            throw QmpErrors.JsonSeveral();
        return result.Value;
    }

    static bool IsBlank(ReadOnlySpan<byte> text) => !text.ContainsAnyExcept(" \t\r\n"u8);

    static QmpException Premature(QmpException error) =>
        new(error.Class, error.Message[..^AtTheEnd.Length] + "premature end of input");
}
