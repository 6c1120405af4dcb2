using System.Globalization;

namespace HostMemd.Qapi.Json;

/// <summary>Writes doubles as C's <c>%.17g</c> does, which QEMU uses: enough digits to read the same number back.</summary>
static class DoubleText
{
    const int Digits = 17;

    /// <summary>A sign, a point, 17 digits, four leading zeros or an exponent of five characters.</summary>
    public const int MaxLength = 32;

    public static int Write(Span<byte> to, double value)
    {
        if (double.IsFinite(value))
            return WriteFinite(to, value);
        // Not JSON, but QEMU prints it for 1e400.
        var text = double.IsNaN(value) ? (double.IsNegative(value) ? "-nan"u8 : "nan"u8) : value > 0 ? "inf"u8 : "-inf"u8;
        text.CopyTo(to);
        return text.Length;
    }

    static int WriteFinite(Span<byte> to, double value)
    {
        // "-d.ddddddddddddddddE+ddd"; .NET is exact to any number of digits asked for.
        Span<byte> scientific = stackalloc byte[MaxLength];
        value.TryFormat(scientific, out var length, "E16", CultureInfo.InvariantCulture);
        scientific = scientific[..length];
        var used = 0;
        if (scientific[0] == '-')
        {
            to[used++] = (byte)'-';
            scientific = scientific[1..];
        }
        Span<byte> digits = stackalloc byte[Digits];
        digits[0] = scientific[0];
        scientific.Slice(2, Digits - 1).CopyTo(digits[1..]);
        var exponent = int.Parse(scientific[(Digits + 2)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var significant = Math.Max(1, digits.LastIndexOfAnyExcept((byte)'0') + 1);
        used += exponent is < -4 or >= Digits
            ? Exponential(to[used..], digits[..significant], exponent)
            : Fixed(to[used..], digits, significant, exponent);
        return used;
    }

    static int Exponential(Span<byte> to, ReadOnlySpan<byte> digits, int exponent)
    {
        var used = 0;
        to[used++] = digits[0];
        if (digits.Length > 1)
        {
            to[used++] = (byte)'.';
            digits[1..].CopyTo(to[used..]);
            used += digits.Length - 1;
        }
        to[used++] = (byte)'e';
        to[used++] = exponent < 0 ? (byte)'-' : (byte)'+';
        Math.Abs(exponent).TryFormat(to[used..], out var length, "00", CultureInfo.InvariantCulture);
        return used + length;
    }

    static int Fixed(Span<byte> to, ReadOnlySpan<byte> digits, int significant, int exponent)
    {
        var used = 0;
        if (exponent < 0)
        {
            "0.0000"u8[..(1 - exponent)].CopyTo(to);
            used = 1 - exponent;
            digits[..significant].CopyTo(to[used..]);
            return used + significant;
        }
        var whole = exponent + 1;
        digits[..whole].CopyTo(to);
        used = whole;
        if (significant > whole)
        {
            to[used++] = (byte)'.';
            digits[whole..significant].CopyTo(to[used..]);
            used += significant - whole;
        }
        return used;
    }
}
