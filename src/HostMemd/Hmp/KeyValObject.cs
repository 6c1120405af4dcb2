using HostMemd.Qapi;

namespace HostMemd.Hmp;

/// <summary>Converts the strings of <c>object_add</c> to their types and checks them, in the order of the table.</summary>
static class KeyValObject
{
    /// <exception cref="QmpException">A member is missing, unknown, or no text of its type.</exception>
    public static ObjectOptions Read(QapiUnion union, Members given)
    {
        var typed = new Dictionary<string, Value>(StringComparer.Ordinal);
        var type = ReadTag(given, "qom-type");
        var members = MembersOf(union, type);
        if (members is not null && ReadTag(given, "id") is not null)
        {
            foreach (var member in members)
            {
                if (given.TryGet(member.Name, out var text))
                    member.Type.Check(typed[member.Name] = Convert(member.Type, text, member.Name), member.Name);
                else if (!member.Optional)
                    throw QmpErrors.ParameterMissing(member.Name);
            }
        }
        // The rest is the same as for JSON. The order of the members stays, because it decides which unknown member is reported.
        var all = new Members(given.Count);
        foreach (var (name, text) in given.Span)
            all.Add(name, typed.GetValueOrDefault(name, text));
        return union.Read(Value.From(all), null);
    }

    static string? ReadTag(Members given, string name) =>
        given.TryGet(name, out var text) && Convert(QapiTypes.Str, text, name).TryString(out var tag) ? tag : null;

    /// <summary>The members of one type; null if there is no such type.</summary>
    static IReadOnlyList<Member>? MembersOf(QapiUnion union, string? type)
    {
        var shape = (ObjectShape)union.Shape;
        return shape.Variants?.FirstOrDefault(v => v.Case == type)?.Type.Shape is ObjectShape variant ? variant.Members : null;
    }

    static Value Convert(QapiType type, Value given, string name)
    {
        if (type.Shape is ArrayShape { Element: var element })
        {
            if (!given.TryList(out var items))
                throw QmpErrors.InvalidParameterType(name, "array");
            return Value.From([.. items.Select((item, i) => Convert(element, item, FormattableString.Invariant($"{name}.{i}")))]);
        }
        if (!given.TryString(out var text))
            throw HmpErrors.AllUnexpected(name);
        if (type == QapiTypes.Size)
            return TextSizes.TryRead(text, out var bytes) ? Value.From(bytes) : throw QmpErrors.Expects(name, "size");
        if (type.Shape is BuiltinShape { JsonType: "int" })
            return ReadInteger(type, text) ?? throw QmpErrors.Expects(name, "integer");
        return type.FromText(text, name, TextForm.KeyValue);
    }

    static Value? ReadInteger(QapiType type, string text)
    {
        if (type == QapiTypes.Int)
            return TextNumbers.TryReadInt64(text, out var number) ? Value.From(number) : null;
        return TextNumbers.TryReadUInt64(text, out var bits) ? Value.From(bits) : null;
    }
}
