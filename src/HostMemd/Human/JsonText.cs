using System.Buffers;
using System.Text;
using HostMemd.Protocol.Json;
using HostMemd.Qapi;

namespace HostMemd.Human;

/// <summary>JSON in an argument: one value, and an end, which a stream does not have.</summary>
static class JsonText
{
    // No token may contain a NUL, so it ends what is unfinished. The reader shows texts up to their NUL: of the NUL itself nothing.
    const string AtTheEnd = "stray ''";

    /// <exception cref="QmpException">The text is not one JSON value.</exception>
    public static Value Parse(string text)
    {
        var bytes = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text + '\0'));
        if (!new JsonReader(new JsonLimits()).TryRead(ref bytes, out var result))
            throw QmpErrors.Internal();
        if (result.Error is { } error)
            throw error.Message.EndsWith(AtTheEnd, StringComparison.Ordinal) ? Premature(error) : error;
        foreach (var b in bytes.Slice(0, bytes.Length - 1).ToArray())
        {
            if (b is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n'))
                throw HumanErrors.SeveralValues();
        }
        return result.Value;
    }

    static QmpException Premature(QmpException error) =>
        new(error.Class, error.Message[..^AtTheEnd.Length] + "premature end of input");

    /// <summary>The value as QEMU prints it for people, with a line end behind it.</summary>
    public static string Pretty(Value value)
    {
        var bytes = new ArrayBufferWriter<byte>();
        JsonWriter.Write(bytes, value, pretty: true);
        return Encoding.UTF8.GetString(bytes.WrittenSpan).Replace("\r\n", "\n", StringComparison.Ordinal) + "\n";
    }
}
