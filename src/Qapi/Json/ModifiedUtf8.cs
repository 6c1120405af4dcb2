namespace HostMemd.Qapi.Json;

/// <summary>
/// UTF-8 as QEMU reads it: U+0000 is C0 80, and Unicode's noncharacters (U+FDD0..U+FDEF, the last two of each plane) are as invalid as
/// surrogates and overlong forms.
/// </summary>
static class ModifiedUtf8
{
    public static bool IsCharacter(int code) =>
        code is >= 0 and <= 0x10FFFF and not (>= 0xD800 and <= 0xDFFF) and not (>= 0xFDD0 and <= 0xFDEF) && (code & 0xFFFE) != 0xFFFE;

    /// <summary>The first character of <paramref name="bytes"/>, or -1; and the length in bytes of it or of the bad sequence.</summary>
    public static int Decode(ReadOnlySpan<byte> bytes, out int length)
    {
        var lead = bytes[0];
        length = 1;
        if (lead < 0x80)
            return lead;
        // The obsolete long forms are bad as a whole, not byte by byte: an error text has one U+FFFD for each.
        var expected = lead switch { < 0xC0 => 1, < 0xE0 => 2, < 0xF0 => 3, < 0xF8 => 4, < 0xFC => 5, < 0xFE => 6, _ => 1 };
        if (expected == 1)
            return -1;
        var code = lead & (0x7F >> expected);
        for (; length < expected; length++)
        {
            if (length >= bytes.Length || (bytes[length] & 0xC0) != 0x80)
                return -1;
            code = (code << 6) | (bytes[length] & 0x3F);
        }
        var shortest = expected switch { 2 => 0x80, 3 => 0x800, 4 => 0x10000, _ => int.MaxValue };
        var isNul = expected == 2 && code == 0;
        return isNul || (code >= shortest && IsCharacter(code)) ? code : -1;
    }
}
