namespace HostMemd.Qapi;

/// <summary>The built-in types, by their names in QEMU's schema files.</summary>
public static class QapiTypes
{
    public static QapiType<string> Str { get; } = new StrType();
    public static QapiType<bool> Bool { get; } = new BoolType();
    public static QapiType<long> Int { get; } = new IntType();
    public static QapiType<long> UnixTime { get; } = new IntType("seconds of Unix time");
    public static QapiType<ushort> U16 { get; } = new UnsignedType<ushort>(ushort.MaxValue, "uint16_t", v => (ushort)v, v => v);
    public static QapiType<uint> U32 { get; } = new UnsignedType<uint>(uint.MaxValue, "uint32_t", v => (uint)v, v => v);
    public static QapiType<ulong> U64 { get; } = new UnsignedType<ulong>(ulong.MaxValue, "uint64", v => v, v => v);
    public static QapiType<ulong> Size { get; } = new SizeType();
    public static QapiType<Value> Any { get; } = new AnyType();

    /// <summary>The result of a command without a result.</summary>
    public static QapiType<Nothing> None { get; } = new NoneType();

    public static QapiType<IReadOnlyList<T>> ListOf<T>(QapiType<T> element) => new QapiList<T>(element);

    sealed class StrType : QapiType<string>
    {
        public override string Name => "str";
        public override TypeShape Shape { get; } = new BuiltinShape("string");
        public override Value Write(string value) => Value.From(value);
        public override string Read(Value value, string? name) =>
            value.TryString(out var text) ? text : throw QmpErrors.InvalidParameterType(name, "string");
        public override Value FromText(string text, string name, TextForm form) => Value.From(text);
    }

    sealed class BoolType : QapiType<bool>
    {
        static readonly Value s_true = Value.From(true), s_false = Value.From(false);

        public override string Name => "bool";
        public override TypeShape Shape { get; } = new BuiltinShape("boolean");
        public override Value Write(bool value) => value ? s_true : s_false;
        public override bool Read(Value value, string? name) =>
            value.TryBool(out var flag) ? flag : throw QmpErrors.InvalidParameterType(name, "boolean");

        public override Value FromText(string text, string name, TextForm form) => text switch
        {
            "on" or "yes" or "true" or "y" => s_true,
            "off" or "no" or "false" or "n" => s_false,
            _ => throw QmpErrors.Expects(name, "'on' or 'off'"),
        };
    }

    sealed class IntType(string? unit = null) : QapiType<long>
    {
        public override string Name => "int";
        public override string? Unit => unit;
        public override TypeShape Shape { get; } = new BuiltinShape("int");
        public override Value Write(long value) => Value.From(value);
        public override long Read(Value value, string? name) =>
            value.TryInt(out var number) ? number : throw QmpErrors.InvalidParameterType(name, "integer");

        public override Value FromText(string text, string name, TextForm form) =>
            Numbers.TryParseInt(text, out var number)
                ? Value.From(number)
                : throw QmpErrors.Expects(name, form == TextForm.CommandLine ? "an int64 value" : "integer");
    }

    // QEMU reads every narrower integer as a uint64 first: a value that is no integer "expects uint64", and only one that is out of range
    // names the narrower type.
    sealed class UnsignedType<T>(ulong max, string cName, Func<ulong, T> narrow, Func<T, ulong> widen) : QapiType<T>
    {
        public override string Name => "int";
        public override TypeShape Shape => Int.Shape;
        public override Value Write(T value) => Value.From(widen(value));

        public override T Read(Value value, string? name)
        {
            if (!value.TryBits(out var bits))
                throw QmpErrors.Expects(name, "uint64");
            return bits <= max ? narrow(bits) : throw QmpErrors.Expects(Numbers.LastPart(name), cName);
        }

        public override Value FromText(string text, string name, TextForm form) =>
            Numbers.TryParseUInt(text, out var number)
                ? Value.From(number)
                : throw QmpErrors.Expects(name, form == TextForm.CommandLine ? "a uint64 value" : "uint64");
    }

    sealed class SizeType : QapiType<ulong>
    {
        public override string Name => "int";
        public override string? Unit => "bytes";
        public override TypeShape Shape => Int.Shape;
        public override Value Write(ulong value) => Value.From(value);
        public override ulong Read(Value value, string? name) =>
            value.TryBits(out var bits) ? bits : throw QmpErrors.Expects(name, "uint64");

        public override Value FromText(string text, string name, TextForm form) =>
            Numbers.TryParseSize(text, out var bytes)
                ? Value.From(bytes)
                : throw QmpErrors.Expects(name, form == TextForm.CommandLine ? "a size value" : "size");
    }

    sealed class AnyType : QapiType<Value>
    {
        public override string Name => "any";
        public override TypeShape Shape { get; } = new BuiltinShape("value");
        public override Value Write(Value value) => value;
        public override Value Read(Value value, string? name) => value;
    }

    sealed class NoneType : QapiType<Nothing>
    {
        public override string Name => "q_empty";
        public override TypeShape Shape { get; } = new ObjectShape([]);
        public override Value Write(Nothing value) => Value.Empty;
        public override Nothing Read(Value value, string? name) => default;
    }
}

/// <summary>The value of a command that returns <c>{}</c>.</summary>
public readonly struct Nothing;
