namespace HostMemd.Qapi;

/// <summary>A C# enum and its wire names. Values are matched case-sensitively.</summary>
public sealed class QapiEnum<T> : QapiType<T> where T : struct, Enum
{
    readonly (string Name, T Value)[] _values;
    readonly EnumShape _shape;

    public QapiEnum(string name, params (string Name, T Value)[] values)
    {
        Name = name;
        _values = values;
        // LINQ's Select would be compiled while the daemon starts, once for each enum.
        _shape = new(Array.ConvertAll(values, v => v.Name));
    }

    public override string Name { get; }
    public override TypeShape Shape => _shape;

    public override T Read(Value value, string? name)
    {
        if (!value.TryString(out var text))
            throw QmpErrors.InvalidParameterType(name, "string");
        foreach (var (wire, result) in _values)
        {
            if (wire == text)
                return result;
        }
        throw QmpErrors.DoesNotAcceptValue(name, text);
    }

    public override Value Write(T value) => Value.From(NameOf(value));

    public string NameOf(T value)
    {
        foreach (var (wire, candidate) in _values)
        {
            if (EqualityComparer<T>.Default.Equals(candidate, value))
                return wire;
        }
        throw new ArgumentOutOfRangeException(nameof(value), value, $"{Name} has no such value");
    }

    public override Value FromText(string text, string name, TextForm form) => Value.From(text);
}
