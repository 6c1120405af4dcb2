using System.Globalization;
using HostMemd.Qapi;
using StreamJsonRpc;

namespace HostMemd.Rpc;

/// <summary>
/// Ids of requests, as JSON has them and as the library does. It knows strings, int64 and null; other numbers become strings behind a mark
/// that no other id is given.
/// </summary>
static class RequestIds
{
    const char Mark = '\u0001';

    /// <summary>False if a client may not use that value as an id.</summary>
    public static bool TryRead(Value id, out RequestId read)
    {
        read = default;
        switch (id.Kind)
        {
            case ValueKind.Null:
                read = RequestId.Null;
                return true;
            case ValueKind.Int:
                id.TryInt(out var number);
                read = new(number);
                return true;
            case ValueKind.UInt:
                id.TryBits(out var bits);
                read = new($"{Mark}u{bits.ToString(CultureInfo.InvariantCulture)}");
                return true;
            case ValueKind.Double:
                id.TryDouble(out var real);
                read = new($"{Mark}d{BitConverter.DoubleToInt64Bits(real).ToString(CultureInfo.InvariantCulture)}");
                return double.IsFinite(real);
            case ValueKind.String:
                id.TryString(out var text);
                read = new(text!.StartsWith(Mark) ? $"{Mark}s{text}" : text);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The value that the client sent.</summary>
    public static Value Write(RequestId id)
    {
        if (id.Number is { } number)
            return Value.From(number);
        if (id.String is not { } text)
            return Value.Null;
        if (!text.StartsWith(Mark))
            return Value.From(text);
        var rest = text[2..];
        return text[1] switch
        {
            'u' => Value.From(ulong.Parse(rest, CultureInfo.InvariantCulture)),
            'd' => Value.From(BitConverter.Int64BitsToDouble(long.Parse(rest, CultureInfo.InvariantCulture))),
            _ => Value.From(rest),
        };
    }
}
