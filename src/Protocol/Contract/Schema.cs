using System.Globalization;
using HostMemd.Qapi;

namespace HostMemd.Protocol.Contract;

/// <summary>
/// The reply to <c>query-qmp-schema</c>, made from the tables: every command and event, and every type they reach. As in QEMU the
/// names of types are numbers, so that no client relies on them; built-in types keep their names, arrays are <c>[element]</c>.
/// </summary>
public sealed class Schema
{
    readonly List<Value> _entries = [];
    readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    readonly Queue<(string Masked, QapiType Type)> _toDescribe = new();

    Schema() => _names.Add(QapiTypes.None.Name, "0");

    public static Value Of(CommandTable commands, IReadOnlyList<Event> events)
    {
        var schema = new Schema();
        foreach (var command in commands.All)
            schema.Add(command);
        foreach (var declared in events)
            schema.Add(declared);
        schema._toDescribe.Enqueue(("0", QapiTypes.None));
        while (schema._toDescribe.TryDequeue(out var next))
            schema.Describe(next.Masked, next.Type);
        return Value.From(schema._entries);
    }

    void Add(Command command)
    {
        var entry = Entry(command.Name, "command");
        entry.Add("arg-type", Value.From(Arguments(command.Name, command.ArgumentType)));
        entry.Add("ret-type", Value.From(NameOf(command.ResultType)));
        if (command.AllowsOutOfBand)
            entry.Add("allow-oob", Value.From(true));
        _entries.Add(Value.From(entry));
    }

    void Add(Event declared)
    {
        var entry = Entry(declared.Name, "event");
        entry.Add("arg-type", Value.From(declared.Data.Count == 0 ? "0" : Arguments(declared.Name, new DataType(declared.Data))));
        _entries.Add(Value.From(entry));
    }

    // The arguments of a command are a type of their own, named after the command.
    string Arguments(string owner, QapiType type) =>
        type.Shape is ObjectShape { Members.Count: 0 } ? "0" : Mask("q_obj-" + owner + "-arg", type);

    string NameOf(QapiType type)
    {
        switch (type.Shape)
        {
            case BuiltinShape:
                if (_names.TryAdd(type.Name, type.Name))
                    _toDescribe.Enqueue((type.Name, type));
                return type.Name;
            case ArrayShape array:
                var name = "[" + NameOf(array.Element) + "]";
                if (_names.TryAdd(name, name))
                    _toDescribe.Enqueue((name, type));
                return name;
            default:
                return Mask(type.Name, type);
        }
    }

    string Mask(string name, QapiType type)
    {
        if (_names.TryGetValue(name, out var masked))
            return masked;
        masked = _names.Count.ToString(CultureInfo.InvariantCulture);
        _names.Add(name, masked);
        _toDescribe.Enqueue((masked, type));
        return masked;
    }

    void Describe(string masked, QapiType type)
    {
        var entry = type.Shape switch
        {
            BuiltinShape builtin => Builtin(masked, builtin),
            ArrayShape array => Array(masked, array),
            EnumShape enumeration => Enum(masked, enumeration),
            ObjectShape shape => Object(masked, shape),
            _ => throw new InvalidOperationException($"type '{type.Name}' has an unknown shape"),
        };
        _entries.Add(Value.From(entry));
    }

    static Members Entry(string name, string metaType)
    {
        var entry = new Members();
        entry.Add("name", Value.From(name));
        entry.Add("meta-type", Value.From(metaType));
        return entry;
    }

    static Members Builtin(string name, BuiltinShape shape)
    {
        var entry = Entry(name, "builtin");
        entry.Add("json-type", Value.From(shape.JsonType));
        return entry;
    }

    Members Array(string name, ArrayShape shape)
    {
        var entry = Entry(name, "array");
        entry.Add("element-type", Value.From(NameOf(shape.Element)));
        return entry;
    }

    static Members Enum(string name, EnumShape shape)
    {
        var entry = Entry(name, "enum");
        entry.Add("members", Value.From([.. shape.Values.Select(v => Value.Object(("name", Value.From(v))))]));
        entry.Add("values", Value.From([.. shape.Values.Select(Value.From)]));
        return entry;
    }

    Members Object(string name, ObjectShape shape)
    {
        var entry = Entry(name, "object");
        entry.Add("members", Value.From([.. shape.Members.Select(Describe)]));
        if (shape.Tag is not null)
        {
            entry.Add("tag", Value.From(shape.Tag));
            entry.Add("variants", Value.From([.. Cases(shape)]));
        }
        return entry;
    }

    Value Describe(Member member)
    {
        var described = new Members(3);
        described.Add("name", Value.From(member.Name));
        described.Add("type", Value.From(NameOf(member.Type)));
        if (member.Optional)
            described.Add("default", Value.Null);
        return Value.From(described);
    }

    // Every value of the tag is a case. A case without members has the empty type.
    IEnumerable<Value> Cases(ObjectShape shape)
    {
        var tag = (EnumShape)shape.Members.First(m => m.Name == shape.Tag).Type.Shape;
        foreach (var value in tag.Values)
        {
            var variant = shape.Variants?.FirstOrDefault(v => v.Case == value);
            yield return Value.Object(("case", Value.From(value)), ("type", Value.From(variant is null ? "0" : NameOf(variant.Type))));
        }
    }

    sealed class DataType(IReadOnlyList<Member> members) : QapiType
    {
        public override string Name => "q_obj-data";
        public override TypeShape Shape { get; } = new ObjectShape(members);
        public override void Check(Value value, string? name) { }
    }
}
