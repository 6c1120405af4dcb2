using System.Buffers;
using System.Text;
using HostMemd.Qapi;

namespace HostMemd.Qapi.Json;

/// <summary>Reads a text that is one JSON value, such as a file or an argument. Unlike a stream it has an end.</summary>
public static class JsonText
{
    // No token may contain a NUL, so it ends an unfinished one. Error texts show input up to its NUL, so the NUL itself never shows.
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
