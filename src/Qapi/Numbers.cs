using System.Globalization;
using System.Numerics;

namespace HostMemd.Qapi;

/// <summary>Numbers as QEMU reads them from text, and the names that list elements have in error texts.</summary>
public static class Numbers
{
    /// <summary>QEMU: OPTS_VISITOR_RANGE_MAX, the most elements one <c>A-B</c> may stand for.</summary>
    public const ulong RangeLimit = 65536;

    internal static string ElementOf(string? list, int index) =>
        string.Create(CultureInfo.InvariantCulture, $"{list ?? "null"}[{index}]");

    internal static string MemberOf(string? owner, string member) => owner is null ? member : owner + "." + member;

    /// <summary>
    /// QEMU's generic checks know only the last part of a name. An element of a list has none and is called <c>null</c>.
    /// </summary>
    internal static string? LastPart(string? name) =>
        name is null || name.EndsWith(']') ? null : name[(name.LastIndexOf('.') + 1)..];

    public static bool TryParseInt(string text, out long value)
    {
        value = 0;
        var negative = text.StartsWith('-');
        if (!TryParseUInt(negative ? text[1..] : text, out var magnitude))
            return false;
        if (magnitude > (negative ? 1UL << 63 : long.MaxValue))
            return false;
        value = negative ? -(long)magnitude : (long)magnitude;
        return true;
    }

    /// <summary>Reads decimal, <c>0x</c> hexadecimal or <c>0</c> octal numbers, as strtoull(3) with base 0.</summary>
    public static bool TryParseUInt(string text, out ulong value)
    {
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            return ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
        if (text.Length > 1 && text[0] == '0')
            return TryParseOctal(text, out value);
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    static bool TryParseOctal(string text, out ulong value)
    {
        value = 0;
        foreach (var c in text)
        {
            if (c is < '0' or > '7' || value > ulong.MaxValue >> 3)
                return false;
            value = (value << 3) | (uint)(c - '0');
        }
        return true;
    }

    /// <summary>
    /// A number of bytes with a suffix k, M, G, T, P, E (powers of 1024) or B; a fraction needs one of the powers.
    /// The authority is QEMU's command line: <c>4096</c>, <c>0x1000</c>, <c>1.5M</c>, <c>10b</c>.
    /// </summary>
    public static bool TryParseSize(string text, out ulong bytes)
    {
        bytes = 0;
        if (text.Length is 0 or > 64 || !char.IsAsciiDigit(text[0]))
            return false;
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            return TryParseUInt(text, out bytes);
        var end = 0;
        while (end < text.Length && char.IsAsciiDigit(text[end]))
            end++;
        var fractionStart = end;
        if (end < text.Length && text[end] == '.')
        {
            end++;
            while (end < text.Length && char.IsAsciiDigit(text[end]))
                end++;
        }
        var shift = 0;
        if (end < text.Length)
        {
            shift = char.ToUpperInvariant(text[end]) switch { 'B' => 0, 'K' => 10, 'M' => 20, 'G' => 30, 'T' => 40, 'P' => 50, 'E' => 60, _ => -1 };
            if (shift < 0 || end + 1 != text.Length)
                return false;
        }
        var fraction = text.AsSpan(fractionStart, end - fractionStart);
        if (fraction.Length > 0 && shift == 0)
            return false;
        var whole = BigInteger.Parse(text.AsSpan(0, fractionStart), NumberStyles.None, CultureInfo.InvariantCulture) << shift;
        if (fraction.Length > 1)
        {
            var digits = BigInteger.Parse(fraction[1..], NumberStyles.None, CultureInfo.InvariantCulture);
            whole += (digits << shift) / BigInteger.Pow(10, fraction.Length - 1);
        }
        if (whole > ulong.MaxValue)
            return false;
        bytes = (ulong)whole;
        return true;
    }
}
