namespace HostMemd.Hmp;

/// <summary>Numbers as C's strtoull reads them: leading blanks, signs, prefixes.</summary>
static class TextNumbers
{
    /// <summary>The whole text as 64 bits; a negative number as its two's complement.</summary>
    public static bool TryReadUInt64(string text, out ulong value)
    {
        var at = 0;
        return TryReadUInt64(text, ref at, out value) && at == text.Length;
    }

    /// <summary>The number at <paramref name="at"/>, which is moved behind it.</summary>
    public static bool TryReadUInt64(string text, ref int at, out ulong value)
    {
        if (!TryReadMagnitude(text, ref at, out var negative, out value))
            return false;
        if (negative)
            value = unchecked(0 - value);
        return true;
    }

    /// <summary>The whole text as a signed number.</summary>
    public static bool TryReadInt64(string text, out long value)
    {
        value = 0;
        var at = 0;
        if (!TryReadMagnitude(text, ref at, out var negative, out var magnitude) || at != text.Length)
            return false;
        if (magnitude > (negative ? 1UL << 63 : long.MaxValue))
            return false;
        value = negative ? unchecked(-(long)magnitude) : (long)magnitude;
        return true;
    }

    static bool TryReadMagnitude(string text, ref int at, out bool negative, out ulong value)
    {
        while (at < text.Length && CommandLineReader.IsBlank(text[at]))
            at++;
        negative = at < text.Length && text[at] == '-';
        if (at < text.Length && text[at] is '-' or '+')
            at++;
        var digits = ReadBase(text, ref at);
        value = 0;
        var start = at;
        var fits = true;
        for (; at < text.Length && Digit(text[at]) is var digit && digit < digits; at++)
        {
            fits &= value <= (ulong.MaxValue - (uint)digit) / (uint)digits;
            value = unchecked(value * (uint)digits + (uint)digit);
        }
        return fits && at > start;
    }

    // strtoull(3), base 0. A prefix without a digit behind it is no prefix; 0b came with C23 and glibc 2.38.
    static int ReadBase(string text, ref int at)
    {
        if (at >= text.Length || text[at] != '0' || at + 1 >= text.Length)
            return 10;
        var digits = text[at + 1] switch { 'x' or 'X' => 16, 'b' or 'B' => 2, _ => 8 };
        if (digits != 8)
        {
            if (at + 2 < text.Length && Digit(text[at + 2]) < digits)
                at += 2;
            else
                digits = 8;
        }
        return digits;
    }

    static int Digit(char c) => char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : int.MaxValue;
}
