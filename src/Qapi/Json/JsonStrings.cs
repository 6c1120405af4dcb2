using System.Buffers;
using System.Text;

namespace HostMemd.Qapi.Json;

/// <summary>The content of string tokens.</summary>
static class JsonStrings
{
    /// <summary>Decodes a string token, its quotes included; null and the reason when QEMU would not take it.</summary>
    public static string? Decode(ReadOnlySpan<byte> token, bool hasEscapes, StringCache cache, out string? error)
    {
        error = null;
        var content = token[1..^1];
        if (hasEscapes || !Ascii.IsValid(content))
            return DecodeSlowly(token, content.Length, out error);
        return cache.Get(content);
    }

    static string? DecodeSlowly(ReadOnlySpan<byte> token, int length, out string? error)
    {
        // No byte and no escape stands for more UTF-16 units than it has bytes.
        var buffer = ArrayPool<char>.Shared.Rent(length);
        try
        {
            var used = 0;
            var rest = token[1..];
            while (rest.Length > 1)
            {
                var code = rest[0] == '\\' ? Unescape(rest, out var taken, out error) : Raw(rest, out taken, out error);
                if (code < 0)
                    return null;
                if (code < 0x10000)
                    buffer[used++] = (char)code;
                else
                    used += new Rune(code).EncodeToUtf16(buffer.AsSpan(used));
                rest = rest[taken..];
            }
            error = null;
            return new string(buffer, 0, used);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(buffer);
        }
    }

    static int Raw(ReadOnlySpan<byte> rest, out int taken, out string? error)
    {
        var code = ModifiedUtf8.Decode(rest, out taken);
        error = code < 0 ? "invalid UTF-8 sequence in string" : null;
        return code;
    }

    static int Unescape(ReadOnlySpan<byte> rest, out int taken, out string? error)
    {
        error = null;
        taken = 2;
        switch (rest[1])
        {
            case (byte)'"' or (byte)'\'' or (byte)'\\' or (byte)'/': return rest[1];
            case (byte)'b': return '\b';
            case (byte)'f': return '\f';
            case (byte)'n': return '\n';
            case (byte)'r': return '\r';
            case (byte)'t': return '\t';
            case (byte)'u': break;
            default:
                error = "invalid escape sequence in string";
                return -1;
        }
        taken = 6;
        var code = FourDigits(rest[2..]);
        // A leading half is read together with the escape behind it; if that is no trailing half, QEMU shows the leading one only.
        if (code is >= 0xD800 and <= 0xDBFF && rest.Length > 7 && rest[6] == '\\' && rest[7] == 'u'
            && FourDigits(rest[8..]) is >= 0xDC00 and <= 0xDFFF and var trailing)
        {
            code = char.ConvertToUtf32((char)code, (char)trailing);
            taken = 12;
        }
        if (ModifiedUtf8.IsCharacter(code))
            return code;
        // Too few digits: six bytes are shown whatever they are, the closing quote included, half a character at the end too.
        error = ErrorText.Quoting(""u8, rest[..Math.Min(taken, rest.Length)], " is not a valid Unicode character"u8);
        return -1;
    }

    static int FourDigits(ReadOnlySpan<byte> digits)
    {
        if (digits.Length < 4)
            return -1;
        var code = 0;
        foreach (var b in digits[..4])
        {
            if (!char.IsAsciiHexDigit((char)b))
                return -1;
            code = (code << 4) | (char.IsAsciiDigit((char)b) ? b - '0' : (b | 0x20) - 'a' + 10);
        }
        return code;
    }
}
