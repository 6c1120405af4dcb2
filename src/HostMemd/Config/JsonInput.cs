using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Config;

/// <summary>Reads JSON of the command line, of files with comments, and of another daemon.</summary>
static class JsonInput
{
    /// <summary>Reads a text that is one value.</summary>
    /// <exception cref="StartException">The text is no JSON, or more than one value.</exception>
    public static Value Read(ReadOnlySpan<byte> text)
    {
        try
        {
            return JsonText.Parse(text);
        }
        catch (QmpException wrong)
        {
            throw new StartException(wrong.Message);
        }
    }

    /// <summary>Overwrites a byte order mark, which QEMU's JSON does not have, with blanks. Columns stay as they are.</summary>
    /// <exception cref="StartException">The mark is that of another encoding.</exception>
    public static void BlankByteOrderMark(string path, Span<byte> text)
    {
        if (text.StartsWith("\uFEFF"u8))
            text[..3].Fill((byte)' ');
        else if (text.StartsWith<byte>([0xFF, 0xFE]) || text.StartsWith<byte>([0xFE, 0xFF]))
            throw new StartException($"{path}: is UTF-16, not UTF-8");
    }

    /// <summary>Overwrites <c>//</c> and <c>/* */</c> comments outside of strings with blanks. Lines and columns stay.</summary>
    public static void BlankComments(Span<byte> text)
    {
        byte quote = 0;
        for (var at = 0; at < text.Length; at++)
        {
            var b = text[at];
            if (quote != 0)
            {
                if (b == '\\')
                    at++;
                else if (b == quote)
                    quote = 0;
            }
            else if (b is (byte)'"' or (byte)'\'')
                quote = b;
            else if (b == '/' && at + 1 < text.Length && text[at + 1] is (byte)'/' or (byte)'*')
                at = Blank(text, at, text[at + 1] == '/' ? "\n"u8 : "*/"u8) - 1;
        }
    }

    static int Blank(Span<byte> text, int start, ReadOnlySpan<byte> end)
    {
        var length = text[(start + 2)..].IndexOf(end);
        // The end of a line stays, that of a bracketed comment is overwritten.
        var stop = length < 0 ? text.Length : start + 2 + length + (end.Length == 2 ? 2 : 0);
        foreach (ref var b in text[start..stop])
        {
            if (b != '\n')
                b = (byte)' ';
        }
        return stop;
    }
}
