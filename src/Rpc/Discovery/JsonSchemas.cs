using HostMemd.Qapi;

namespace HostMemd.Rpc.Discovery;

/// <summary>Types as JSON Schema. Types with a name are described once, in <c>components</c>, and referred to.</summary>
sealed class JsonSchemas
{
    readonly SortedDictionary<string, Value> _named = new(StringComparer.Ordinal);

    /// <summary>The stamp of an event.</summary>
    public static Value Timestamp { get; } = Object(
        [
            new("seconds", QapiTypes.Int, false, "Seconds of Unix time."),
            new("microseconds", QapiTypes.Int, false, "Microseconds of that second."),
        ],
        m => Builtin((BuiltinShape)m.Type.Shape, null));

    /// <summary>What a request names its progress by.</summary>
    public static Value Token { get; } = Value.Object(("type", Value.From([Value.From("string"), Value.From("integer")])));

    /// <summary>How far a filling has come.</summary>
    public Value ProgressValue => Object(
        [new("current", QapiTypes.Size, false, "Bytes filled."), new("total", QapiTypes.Size, false, "Bytes to fill.")], m => Of(m.Type));

    /// <summary>The schema of a type, or a reference to it.</summary>
    public Value Of(QapiType type)
    {
        switch (type.Shape)
        {
            case BuiltinShape builtin:
                return Builtin(builtin, type.Unit);
            case ArrayShape array:
                return Value.Object(("type", Value.From("array")), ("items", Of(array.Element)));
            case EnumShape enumeration:
                return Refer(type, () => Value.Object(
                    ("type", Value.From("string")), ("enum", Value.From([.. enumeration.Values.Select(Value.From)]))));
            case ObjectShape { Members.Count: 0, Tag: null }:
                return Value.Object(("type", Value.From("object")));
            case ObjectShape shape:
                return Refer(type, () => Object(shape.Members, m => Of(m.Type)));
            default:
                throw new InvalidOperationException($"type '{type.Name}' has an unknown shape");
        }
    }

    /// <summary>The schemas that were referred to, by name.</summary>
    public Value Components()
    {
        var schemas = new Members(_named.Count);
        foreach (var (name, schema) in _named)
            schemas.Add(name, schema);
        return Value.From(schemas);
    }

    /// <summary>An object of these members.</summary>
    public static Value Object(IReadOnlyList<Member> members, Func<Member, Value> schemaOf)
    {
        var properties = new Members(members.Count);
        foreach (var member in members)
            properties.Add(member.Name, Described(schemaOf(member), member.Doc));
        return Value.Object(
            ("type", Value.From("object")),
            ("properties", Value.From(properties)),
            ("required", Value.From([.. members.Where(m => !m.Optional).Select(m => Value.From(m.Name))])));
    }

    // Beside a reference JSON Schema's draft 7 does not look at other members.
    static Value Described(Value schema, string doc)
    {
        schema.TryObject(out var members);
        if (members!.Contains("$ref"))
            return Value.Object(("allOf", Value.From([schema])), ("description", Value.From(doc)));
        var described = new Members(members.Count + 1);
        foreach (var (name, value) in members.Span)
        {
            if (name != "description")
                described.Add(name, value);
        }
        described.Add("description", Value.From(doc));
        return Value.From(described);
    }

    static Value Builtin(BuiltinShape shape, string? unit)
    {
        var schema = new Members(2);
        if (TypeOf(shape.JsonType) is { } type)
            schema.Add("type", Value.From(type));
        if (unit is not null)
            schema.Add("description", Value.From(unit));
        return Value.From(schema);
    }

    // Null: every value.
    static string? TypeOf(string jsonType) => jsonType switch { "int" => "integer", "value" => null, _ => jsonType };

    Value Refer(QapiType type, Func<Value> describe)
    {
        if (!_named.ContainsKey(type.Name))
        {
            // A type that refers to itself finds its name taken.
            _named.Add(type.Name, Value.Null);
            _named[type.Name] = describe();
        }
        return Value.Object(("$ref", Value.From("#/components/schemas/" + type.Name)));
    }
}
