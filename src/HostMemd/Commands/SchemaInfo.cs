using HostMemd.Qapi;

namespace HostMemd.Commands;

/// <summary>
/// The type of the entries of <c>query-qmp-schema</c>, which also describes itself. Entries are made by
/// <see cref="Protocol.Contract.Schema"/> and passed through.
/// </summary>
sealed class SchemaInfo : QapiType<Value>
{
    static readonly Declared s_metaType = new("SchemaMetaType",
        new EnumShape(["builtin", "enum", "array", "object", "alternate", "command", "event"]));

    static readonly Declared s_enumMember = Object("SchemaInfoEnumMember", Text("name", "The value."));

    static readonly Declared s_objectMember = Object("SchemaInfoObjectMember",
        Text("name", "The member."), Text("type", "Its type."),
        new("default", QapiTypes.Any, true, "Present, and null, when the member is optional."));

    static readonly Declared s_variant = Object("SchemaInfoObjectVariant", Text("case", "A value of the tag."), Text("type", "Its members."));

    static readonly Declared s_alternateMember = Object("SchemaInfoAlternateMember", Text("type", "One of the types."));

    public static SchemaInfo Type { get; } = new();

    public override string Name => "SchemaInfo";

    public override TypeShape Shape { get; } = new ObjectShape(
        [Text("name", "The name; a number for types that are not built in."), new("meta-type", s_metaType, false, "What is described.")],
        "meta-type",
        [
            new("builtin", Object("SchemaInfoBuiltin",
                new Member("json-type", new Declared("JSONType",
                    new EnumShape(["string", "number", "int", "boolean", "null", "object", "array", "value"])), false, "Its JSON type."))),
            new("enum", Object("SchemaInfoEnum",
                new Member("members", new Declared("SchemaInfoEnumMemberList", new ArrayShape(s_enumMember)), false, "The values."),
                new Member("values", QapiTypes.ListOf(QapiTypes.Str), false, "The values, as older clients want them."))),
            new("array", Object("SchemaInfoArray", Text("element-type", "The type of the elements."))),
            new("object", Object("SchemaInfoObject",
                new Member("members", new Declared("SchemaInfoObjectMemberList", new ArrayShape(s_objectMember)), false, "The members."),
                new Member("tag", QapiTypes.Str, true, "The member that chooses the variant."),
                new Member("variants", new Declared("SchemaInfoObjectVariantList", new ArrayShape(s_variant)), true, "The variants."))),
            new("alternate", Object("SchemaInfoAlternate",
                new Member("members", new Declared("SchemaInfoAlternateMemberList", new ArrayShape(s_alternateMember)), false, "The types."))),
            new("command", Object("SchemaInfoCommand", Text("arg-type", "The type of the arguments."), Text("ret-type", "The type of the result."),
                new Member("allow-oob", QapiTypes.Bool, true, "May be sent out of band."))),
            new("event", Object("SchemaInfoEvent", Text("arg-type", "The type of the data."))),
        ]);

    public override Value Read(Value value, string? name) => value;
    public override Value Write(Value value) => value;

    public static IReadOnlyList<Value> From(Value schema) =>
        schema.TryList(out var entries) ? entries : throw new ArgumentException("a schema is a list", nameof(schema));

    static Member Text(string name, string doc) => new(name, QapiTypes.Str, false, doc);

    static Declared Object(string name, params Member[] members) => new(name, new ObjectShape(members));

    // This type is described and never read.
    sealed class Declared(string name, TypeShape shape) : QapiType
    {
        public override string Name => name;
        public override TypeShape Shape => shape;
        public override void Check(Value value, string? member) { }
    }
}
