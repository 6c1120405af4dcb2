using System.Buffers.Text;
using System.Globalization;
using HostMemd.Qapi;

namespace HostMemd.Qapi.Json;

/// <summary>The part of a number that the lexer is in.</summary>
enum NumberState : byte { Minus, Zero, Digits, Point, Fraction, Exponent, ExponentSign, ExponentDigits }

/// <summary>Finds the end of a number token, and its value.</summary>
static class JsonNumbers
{
    public static NumberState First(byte b) => b switch
    {
        (byte)'-' => NumberState.Minus,
        (byte)'0' => NumberState.Zero,
        _ => NumberState.Digits,
    };

    /// <summary>
    /// Reads to the byte behind the number, which is not consumed. A byte that makes it no number is consumed, since QEMU shows it.
    /// </summary>
    public static JsonToken Scan(ReadOnlySpan<byte> span, ref int at, ref NumberState state)
    {
        for (; at < span.Length; at++)
        {
            var b = span[at];
            var digit = char.IsAsciiDigit((char)b);
            switch (state)
            {
                case NumberState.Minus when digit:
                    state = First(b);
                    continue;
                // QEMU: no exponent directly behind a lone zero; "0e1" is a zero and a keyword.
                case NumberState.Zero when b == '.':
                    state = NumberState.Point;
                    continue;
                case NumberState.Zero when !digit:
                    return JsonToken.Integer;
                case NumberState.Digits when digit:
                    continue;
                case NumberState.Digits when b == '.':
                    state = NumberState.Point;
                    continue;
                case NumberState.Digits or NumberState.Fraction when b is (byte)'e' or (byte)'E':
                    state = NumberState.Exponent;
                    continue;
                case NumberState.Digits:
                    return JsonToken.Integer;
                case NumberState.Point or NumberState.Fraction when digit:
                    state = NumberState.Fraction;
                    continue;
                case NumberState.Exponent when b is (byte)'+' or (byte)'-':
                    state = NumberState.ExponentSign;
                    continue;
                case NumberState.Exponent or NumberState.ExponentSign or NumberState.ExponentDigits when digit:
                    state = NumberState.ExponentDigits;
                    continue;
                case NumberState.Fraction or NumberState.ExponentDigits:
                    return JsonToken.Float;
            }
            at++;
            return JsonToken.Stray;
        }
        return JsonToken.None;
    }

    /// <summary>An int64 if it fits, else a uint64, else a double: QEMU refuses no integer for its size.</summary>
    public static Value Integer(ReadOnlySpan<byte> text)
    {
        if (Utf8Parser.TryParse(text, out long signed, out var used) && used == text.Length)
            return Value.From(signed);
        if (Utf8Parser.TryParse(text, out ulong unsigned, out used) && used == text.Length)
            return Value.From(unsigned);
        return Float(text);
    }

    /// <summary>As strtod(3): a number that is too large becomes infinite.</summary>
    public static Value Float(ReadOnlySpan<byte> text) =>
        Value.From(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture));
}
