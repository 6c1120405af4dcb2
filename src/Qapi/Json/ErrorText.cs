using System.Text;

namespace HostMemd.Qapi.Json;

/// <summary>Input of a client as an error text shows it.</summary>
static class ErrorText
{
    // QEMU cuts longer texts, even in the middle of a character. Position and "JSON parse error, " do not count.
    const int MaxBytes = 1023;

    /// <summary><paramref name="quoted"/> up to its first NUL, with U+FFFD for each bad sequence, between two texts.</summary>
    public static string Quoting(ReadOnlySpan<byte> before, ReadOnlySpan<byte> quoted, ReadOnlySpan<byte> after)
    {
        quoted = quoted[..Math.Min(quoted.Length, MaxBytes)];
        var nul = quoted.IndexOf((byte)0);
        if (nul >= 0)
            quoted = quoted[..nul];
        Span<byte> bytes = [.. before, .. quoted, .. after];
        return Decode(bytes[..Math.Min(bytes.Length, MaxBytes)]);
    }

    static string Decode(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            var code = ModifiedUtf8.Decode(bytes, out var length);
            text.Append(code < 0 ? "\uFFFD" : char.ConvertFromUtf32(code));
            bytes = bytes[length..];
        }
        return text.ToString();
    }
}
