using System.Globalization;

namespace HostMemd.Hmp;

/// <summary>Sizes as QEMU reads them from text.</summary>
static class TextSizes
{
    /// <summary>
    /// A number of bytes: decimal, also with leading zeros, and a suffix B, K, M, G, T, P, E of either case; or hexadecimal without one.
    /// A fraction of a byte is rounded, unless it was written as one.
    /// </summary>
    public static bool TryRead(string text, out ulong bytes)
    {
        bytes = 0;
        var rest = text.AsSpan().TrimStart(" \t\n\v\f\r");
        if (rest.StartsWith('+'))
            rest = rest[1..];
        if (rest.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
            return ulong.TryParse(rest[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bytes);
        var whole = LeadingDigits(rest);
        var fraction = default(ReadOnlySpan<char>);
        rest = rest[whole.Length..];
        if (rest.StartsWith('.'))
        {
            fraction = LeadingDigits(rest[1..]);
            rest = rest[(1 + fraction.Length)..];
        }
        if (whole.IsEmpty && fraction.IsEmpty)
            return false;
        return TryReadSuffix(rest, out var shift) && TryScale(whole, fraction, shift, out bytes);
    }

    static bool TryReadSuffix(ReadOnlySpan<char> suffix, out int shift)
    {
        const string Powers = "BKMGTPE";
        shift = suffix.IsEmpty ? 0 : 10 * Powers.IndexOf(char.ToUpperInvariant(suffix[0]), StringComparison.Ordinal);
        return suffix.Length <= 1 && shift >= 0;
    }

    static bool TryScale(ReadOnlySpan<char> whole, ReadOnlySpan<char> fraction, int shift, out ulong bytes)
    {
        bytes = 0;
        ulong units = 0;
        if (!whole.IsEmpty && !ulong.TryParse(whole, NumberStyles.None, CultureInfo.InvariantCulture, out units))
            return false;
        var scaled = (UInt128)units << shift;
        if (fraction.ContainsAnyExcept('0'))
        {
            // QEMU computes with a double, whose last digits show from terabytes on.
            var part = double.Parse($"0.{fraction}", NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
            if (shift == 0 && part < 1)
                return false;
            scaled += (UInt128)(part * (1UL << shift) + 0.5);
        }
        bytes = (ulong)scaled;
        return scaled <= ulong.MaxValue;
    }

    static ReadOnlySpan<char> LeadingDigits(ReadOnlySpan<char> text)
    {
        var length = text.IndexOfAnyExceptInRange('0', '9');
        return length < 0 ? text : text[..length];
    }
}
