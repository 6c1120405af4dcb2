using System.Diagnostics.CodeAnalysis;

namespace HostMemd.Qapi;

/// <summary>What a <see cref="Value"/> is. Integers keep their signedness: QEMU distinguishes int64, uint64 and double.</summary>
public enum ValueKind : byte { Null, Bool, Int, UInt, Double, String, List, Object }

/// <summary>
/// A JSON value as QMP has it. Immutable but for the containers it refers to: their builder may change them until it passes the value on.
/// </summary>
public readonly struct Value : IEquatable<Value>
{
    readonly object? _ref;
    readonly long _bits;

    Value(ValueKind kind, object? reference, long bits)
    {
        Kind = kind;
        _ref = reference;
        _bits = bits;
    }

    public ValueKind Kind { get; }

    public static Value Null => default;
    public static Value From(bool value) => new(ValueKind.Bool, null, value ? 1 : 0);
    public static Value From(long value) => new(ValueKind.Int, null, value);

    /// <summary>A signed integer up to 2^63-1, as QEMU's parser makes it; above, an unsigned one.</summary>
    public static Value From(ulong value) =>
        value <= long.MaxValue ? From((long)value) : new(ValueKind.UInt, null, (long)value);

    public static Value From(double value) => new(ValueKind.Double, null, BitConverter.DoubleToInt64Bits(value));
    public static Value From(string value) => new(ValueKind.String, value, 0);
    public static Value From(IReadOnlyList<Value> items) => new(ValueKind.List, items, 0);
    public static Value From(Members members) => new(ValueKind.Object, members, 0);
    public static Value From(LazyMembers members) => new(ValueKind.Object, members, 0);

    /// <summary>An object of the given members, in the given order.</summary>
    public static Value Object(params ReadOnlySpan<(string Name, Value Value)> members)
    {
        var result = new Members(members.Length);
        foreach (var (name, value) in members)
            result.Add(name, value);
        return From(result);
    }

    /// <summary>The <c>{}</c> that a command without a result returns.</summary>
    public static Value Empty { get; } = From(Members.None);

    public bool TryBool(out bool value)
    {
        value = _bits != 0;
        return Kind == ValueKind.Bool;
    }

    public bool TryInt(out long value)
    {
        value = _bits;
        return Kind == ValueKind.Int;
    }

    /// <summary>Any integer as 64 bits. A negative one is converted by two's complement, as by QEMU's uint64 visitor.</summary>
    public bool TryBits(out ulong value)
    {
        value = (ulong)_bits;
        return Kind is ValueKind.Int or ValueKind.UInt;
    }

    public bool TryDouble(out double value)
    {
        value = BitConverter.Int64BitsToDouble(_bits);
        return Kind == ValueKind.Double;
    }

    public bool TryString([NotNullWhen(true)] out string? value)
    {
        value = Kind == ValueKind.String ? (string?)_ref : null;
        return value is not null;
    }

    public bool TryList([NotNullWhen(true)] out IReadOnlyList<Value>? items)
    {
        items = Kind == ValueKind.List ? (IReadOnlyList<Value>?)_ref : null;
        return items is not null;
    }

    public bool TryObject([NotNullWhen(true)] out Members? members)
    {
        members = Kind == ValueKind.Object ? _ref as Members ?? ((LazyMembers)_ref!).ToMembers() : null;
        return members is not null;
    }

    /// <summary>An object whose members are yet to be made.</summary>
    public bool TryLazyMembers([NotNullWhen(true)] out LazyMembers? members)
    {
        members = _ref as LazyMembers;
        return members is not null;
    }

    /// <summary>Equal as QMP values: members in any order; an integer never equals a double.</summary>
    public bool Equals(Value other)
    {
        if (Kind != other.Kind)
            return false;
        return Kind switch
        {
            ValueKind.String => (string)_ref! == (string)other._ref!,
            ValueKind.List => ((IReadOnlyList<Value>)_ref!).SequenceEqual((IReadOnlyList<Value>)other._ref!),
            ValueKind.Object => TryObject(out var ours) && other.TryObject(out var theirs) && ours.SetEquals(theirs),
            _ => _bits == other._bits,
        };
    }

    public override bool Equals(object? obj) => obj is Value other && Equals(other);

    // Containers hash by kind and size alone: values are compared in tests, never used as keys.
    public override int GetHashCode() => Kind switch
    {
        ValueKind.String => ((string)_ref!).GetHashCode(StringComparison.Ordinal),
        ValueKind.List => HashCode.Combine(Kind, ((IReadOnlyList<Value>)_ref!).Count),
        ValueKind.Object => HashCode.Combine(Kind, TryObject(out var members) ? members.Count : 0),
        _ => HashCode.Combine(Kind, _bits),
    };

    public static bool operator ==(Value left, Value right) => left.Equals(right);
    public static bool operator !=(Value left, Value right) => !left.Equals(right);
}
