using System.Buffers.Text;
using System.Text;

namespace HostMemd.Linux;

// The pieces that every file of /proc is made of.
public static partial class Procfs
{
    /// <summary>Cuts the next blank-separated word off a line; false at its end.</summary>
    public static bool Word(scoped ref ReadOnlySpan<byte> line, out ReadOnlySpan<byte> word)
    {
        line = line.TrimStart(" \t"u8);
        var end = line.IndexOfAny((byte)' ', (byte)'\t');
        word = end < 0 ? line : line[..end];
        line = end < 0 ? default : line[end..];
        return word.Length > 0;
    }

    /// <summary>All of <paramref name="text"/> as a hexadecimal number.</summary>
    public static bool Hex(ReadOnlySpan<byte> text, out ulong value) =>
        Utf8Parser.TryParse(text, out value, out var used, 'x') && used == text.Length;

    /// <summary>A value as meminfo and smaps write it, in bytes: <c>12 kB</c> is 12288, <c>12</c> is 12.</summary>
    public static ulong? Amount(ReadOnlySpan<byte> text)
    {
        text = text.Trim(" \t"u8);
        if (!Utf8Parser.TryParse(text, out ulong value, out var used))
            return null;
        return text[used..].SequenceEqual(" kB"u8) ? value * 1024 : value;
    }

    /// <summary>The value of the line <c>NAME: value</c>, or <c>NAME value</c> as ksm_stat has it; trimmed.</summary>
    public static bool Field(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!line.StartsWith(name) || line.Length == name.Length || line[name.Length] is not ((byte)':' or (byte)' '))
            return false;
        value = line[(name.Length + 1)..].Trim(" \t"u8);
        return true;
    }

    /// <summary>The value of a field in the text of a whole file, or null.</summary>
    /// <param name="text">The file: meminfo, status, ksm_stat.</param>
    /// <param name="name">The field, without colon.</param>
    public static string? Field(ReadOnlySpan<byte> text, string name)
    {
        var wanted = Encoding.UTF8.GetBytes(name);
        foreach (var range in text.Split((byte)'\n'))
        {
            if (Field(text[range], wanted, out var value))
                return Encoding.UTF8.GetString(value);
        }
        return null;
    }

    public static string? FieldOf(string path, string name)
    {
        var wanted = Encoding.UTF8.GetBytes(name);
        using var file = ProcFile.Open(path);
        while (file is not null && file.Next(out var line))
        {
            if (Field(line, wanted, out var value))
                return Encoding.UTF8.GetString(value);
        }
        return null;
    }

    /// <summary>Undoes \ooo, with which the kernel hides blanks, newlines and backslashes: proc_pid_mountinfo(5).</summary>
    public static string Unescape(ReadOnlySpan<byte> text)
    {
        if (!text.Contains((byte)'\\'))
            return Encoding.UTF8.GetString(text);
        var plain = new byte[text.Length];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var octal = text[i] == '\\' && i + 3 < text.Length
                && text[i + 1] is >= (byte)'0' and <= (byte)'3'
                && text[i + 2] is >= (byte)'0' and <= (byte)'7'
                && text[i + 3] is >= (byte)'0' and <= (byte)'7';
            plain[length++] = octal ? (byte)((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')) : text[i];
            if (octal)
                i += 3;
        }
        return Encoding.UTF8.GetString(plain, 0, length);
    }
}
