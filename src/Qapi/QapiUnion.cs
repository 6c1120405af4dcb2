namespace HostMemd.Qapi;

/// <summary>The arguments of one <c>object-add</c>: a type, an id, and values of the type's properties, checked but not set.</summary>
public sealed record ObjectOptions(string QomType, string Id, Members Properties);

/// <summary>
/// The arguments of <c>object-add</c>: a tag, an id, then the members of the variant that the tag names, in table order;
/// an unknown member is reported last.
/// </summary>
/// <param name="name">The schema's name.</param>
/// <param name="tagType">The schema's name of the tag's enum.</param>
/// <param name="tags">The types that clients may make, from the registered classes.</param>
/// <param name="membersOf">Returns the members of such a type, and null for any other.</param>
public sealed class QapiUnion(string name, string tagType, IReadOnlyList<string> tags, Func<string, IReadOnlyList<Member>?> membersOf)
    : QapiType<ObjectOptions>
{
    public override string Name => name;

    public override TypeShape Shape => new ObjectShape(
        [new("qom-type", new TagType(tagType, tags), false, "The class of the object."),
         new("id", QapiTypes.Str, false, "The name of the object below /objects: a letter, then letters, digits, '-', '.' and '_'.")],
        "qom-type",
        [.. from tag in tags let members = membersOf(tag)! where members.Count > 0 select new Variant(tag, new VariantType(tag, members))]);

    public override ObjectOptions Read(Value value, string? _)
    {
        if (!value.TryObject(out var given))
            throw QmpErrors.InvalidParameterType("arguments", "object");
        var type = Text(given, "qom-type");
        var members = membersOf(type) ?? throw QmpErrors.DoesNotAcceptValue("qom-type", type);
        var id = Text(given, "id");
        var properties = new Members(given.Count);
        foreach (var member in members)
        {
            if (given.TryGet(member.Name, out var sent))
            {
                member.Type.Check(sent, member.Name);
                properties.Add(member.Name, sent);
            }
            else if (!member.Optional)
                throw QmpErrors.ParameterMissing(member.Name);
        }
        Unexpected.Check(given, n => n is "qom-type" or "id" || properties.Contains(n));
        return new(type, id, properties);
    }

    public override Value Write(ObjectOptions value)
    {
        var members = new Members(value.Properties.Count + 2);
        members.Add("qom-type", Value.From(value.QomType));
        members.Add("id", Value.From(value.Id));
        foreach (var (member, given) in value.Properties)
            members.Add(member, given);
        return Value.From(members);
    }

    static string Text(Members given, string member) => given.TryGet(member, out var sent)
        ? QapiTypes.Str.Read(sent, member)
        : throw QmpErrors.ParameterMissing(member);

    sealed class TagType(string name, IReadOnlyList<string> values) : QapiType
    {
        public override string Name => name;
        public override TypeShape Shape { get; } = new EnumShape(values);
        public override void Check(Value value, string? member) => QapiTypes.Str.Read(value, member);
    }

    sealed class VariantType(string name, IReadOnlyList<Member> members) : QapiType
    {
        public override string Name => name;
        public override TypeShape Shape { get; } = new ObjectShape(members);
        public override void Check(Value value, string? member) { }
    }
}
