using System.Buffers.Text;
using System.Text;

namespace HostMemd.Rpc.Framing;

/// <summary>
/// The headers in front of one message, as the language server protocol has them: <c>Content-Length</c>, and <c>Content-Type</c>, whose
/// only
/// charset is UTF-8. Other headers are skipped. Names are compared without regard to case, and a line may end in LF alone.
/// </summary>
struct HeaderBlock
{
    /// <summary>Bytes of one header block. A client sends some thirty.</summary>
    public const int Most = 4 << 10;

    int _bytes;
    bool _hasBegun;

    /// <summary>Bytes of the message; null until a header said so.</summary>
    public long? Length { get; private set; }

    /// <summary>The charset of the message where it is another than UTF-8.</summary>
    public string? OtherCharset { get; private set; }

    /// <summary>Counts bytes that have come without their line's end.</summary>
    /// <exception cref="FrameFault">The block is too long.</exception>
    public readonly void CheckRoom(int unfinished)
    {
        if (_bytes + unfinished > Most)
            throw new FrameFault($"the headers have more than {Most} bytes");
    }

    /// <summary>Takes one line without its LF; true when it ends the block.</summary>
    /// <exception cref="FrameFault">It is no header, or there was no <c>Content-Length</c>.</exception>
    public bool Take(ReadOnlySpan<byte> line)
    {
        CheckRoom(line.Length + 1);
        _bytes += line.Length + 1;
        line = line.TrimEnd("\r"u8);
        if (line.IsEmpty)
        {
            // Blank lines between messages belong to no header block.
            if (_hasBegun && Length is null)
                throw new FrameFault("there is no Content-Length among the headers");
            return _hasBegun;
        }
        _hasBegun = true;
        var colon = line.IndexOf((byte)':');
        if (colon <= 0)
            throw new FrameFault($"'{Quoted(line)}' is no header");
        var name = line[..colon].Trim(" \t"u8);
        var value = line[(colon + 1)..].Trim(" \t"u8);
        if (Ascii.EqualsIgnoreCase(name, "Content-Length"u8))
            TakeLength(value);
        else if (Ascii.EqualsIgnoreCase(name, "Content-Type"u8))
            OtherCharset = OtherThanUtf8(Encoding.Latin1.GetString(value));
        return false;
    }

    void TakeLength(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty || !char.IsAsciiDigit((char)value[0]) || !Utf8Parser.TryParse(value, out long length, out var used)
            || used < value.Length)
            throw new FrameFault($"'{Quoted(value)}' is no Content-Length");
        if (Length is { } other && other != length)
            throw new FrameFault($"there are two Content-Length, '{other}' and '{length}'");
        Length = length;
    }

    static string? OtherThanUtf8(string mediaType)
    {
        foreach (var parameter in mediaType.Split(';').Skip(1))
        {
            var parts = parameter.Split('=', 2, StringSplitOptions.TrimEntries);
            if (parts.Length < 2 || !parts[0].Equals("charset", StringComparison.OrdinalIgnoreCase))
                continue;
            var charset = parts[1].Trim('"');
            // The language server protocol's first version had it without the hyphen.
            if (charset.ToLowerInvariant() is not ("utf-8" or "utf8" or "us-ascii"))
                return charset;
        }
        return null;
    }

    static string Quoted(ReadOnlySpan<byte> text) => Encoding.Latin1.GetString(text[..Math.Min(text.Length, 64)]);
}
