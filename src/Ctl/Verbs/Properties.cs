using System.Globalization;
using System.Text;
using HostMemd.Ctl.Line;
using HostMemd.Linux;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Ctl.Verbs;

/// <summary>A property as <c>qom-list</c> and <c>qom-list-properties</c> list it.</summary>
sealed record Property(string Name, string Type, string? Description)
{
    // QOM has no lists: these are listed as numbers.
    static readonly string[] s_lists = ["host-nodes", "cpu-affinity", "node-affinity"];

    public bool IsList => s_lists.Contains(Name);

    /// <summary>Text as the user writes it: <c>on</c>, <c>4G</c>, <c>0-3,8</c>.</summary>
    /// <exception cref="CtlException">It is no value of the property's type.</exception>
    public Value Read(string text)
    {
        if (IsList)
            return Value.From([.. ListOf(text).Select(n => Value.From((long)n))]);
        return Type switch
        {
            "bool" => Value.From(text switch
            {
                "on" or "true" or "yes" => true,
                "off" or "false" or "no" => false,
                _ => throw Wrong(text, "is on or off"),
            }),
            "size" or "int" or "uint16" or "uint32" or "uint64" => Numbers.TryParseSize(text, out var number) ? Value.From(number)
                : throw Wrong(text, "is a number, or one with K, M, G or T"),
            _ => Value.From(text),
        };
    }

    int[] ListOf(string text)
    {
        var numbers = BitList.Parse(Encoding.UTF8.GetBytes(text));
        return text.Length == 0 || (numbers.Length > 0 && text.All(c => char.IsAsciiDigit(c) || c is ',' or '-')) ? numbers
            : throw Wrong(text, "is a list such as 0-3,8");
    }

    CtlException Wrong(string text, string what) => CtlException.Usage($"property '{Name}' {what}, not '{text}'");

    /// <summary>A value as <see cref="Read"/> takes it.</summary>
    public string Write(Value value)
    {
        if (value.TryBool(out var flag))
            return flag ? "on" : "off";
        if (value.TryString(out var text))
            return text;
        if (value.TryBits(out var bits))
            return value.TryInt(out var signed) && signed < 0 ? signed.ToString(CultureInfo.InvariantCulture)
                : bits.ToString(CultureInfo.InvariantCulture);
        if (value.TryList(out var items) && items.All(i => i.TryInt(out _)))
            return BitList.Text([.. items.Select(i => i.TryInt(out var n) ? (int)n : 0)]);
        var bytes = new System.Buffers.ArrayBufferWriter<byte>();
        JsonWriter.Write(bytes, value);
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }
}

/// <summary>Lists of properties, and words of the form <c>KEY=VALUE</c>.</summary>
static class Properties
{
    // Every object has it, and it cannot be set.
    const string OwnType = "type";

    public static IReadOnlyList<Property> Read(Value listed)
    {
        listed.TryList(out var items);
        return [.. (items ?? []).Select(One).OfType<Property>()
            .Where(p => p.Name != OwnType && !p.Type.StartsWith("child<", StringComparison.Ordinal))];
    }

    static Property? One(Value item)
    {
        if (!item.TryObject(out var members) || !members["name"].TryString(out var name) || !members["type"].TryString(out var type))
            return null;
        return new(name, type, members["description"].TryString(out var text) ? text : null);
    }

    /// <exception cref="CtlException">It is not of that form.</exception>
    public static (string Key, string Text) Split(string word) => word.IndexOf('=', StringComparison.Ordinal) is > 0 and var at
        ? (word[..at], word[(at + 1)..]) : throw CtlException.Usage($"'{word}' is not of the form KEY=VALUE");

    /// <exception cref="CtlException">There is no such property.</exception>
    public static Property Find(IReadOnlyList<Property> known, string key, string owner) => known.FirstOrDefault(p => p.Name == key)
        ?? throw Mistake.Unknown($"property of {owner}", key, known.Select(p => p.Name),
            $"it has {string.Join(", ", known.Select(p => p.Name))}");
}
