using HostMemd.Backend.Objects;
using HostMemd.Backend.Qom;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using static HostMemd.Protocol.Contract.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>Reading and changing properties, and listing types and objects.</summary>
static class QomCommands
{
    static readonly Topic s_topic = new("Properties and classes",
        "Reading and changing properties, and asking which objects, classes and properties there are.");

    sealed class ObjectPropertyInfo
    {
        public string Name { get; set; } = "";
        public string Type { get; set; } = "";
        public string? Description { get; set; }
    }

    sealed class ObjectPropertyValue
    {
        public string Name { get; set; } = "";
        public string Type { get; set; } = "";
        public Value? Value { get; set; }
    }

    sealed class ObjectPropertiesValues
    {
        public IReadOnlyList<ObjectPropertyValue> Properties { get; set; } = [];
    }

    sealed class ObjectTypeInfo
    {
        public string Name { get; set; } = "";
        public bool? Abstract { get; set; }
        public string? Parent { get; set; }
    }

    static readonly QapiStruct<ObjectPropertyInfo> s_propertyInfo = new("ObjectPropertyInfo", rows => rows
        .Row("name", Str, "The property.", p => p.Name, (p, v) => p.Name = v)
        .Row("type", Str, "Its type; child<T> and link<T> are objects.", p => p.Type, (p, v) => p.Type = v)
        .Opt("description", Str, "What it is for.", p => p.Description, (p, v) => p.Description = v));

    static readonly QapiStruct<ObjectPropertyValue> s_propertyValue = new("ObjectPropertyValue", rows => rows
        .Row("name", Str, "The property.", p => p.Name, (p, v) => p.Name = v)
        .Row("type", Str, "Its type.", p => p.Type, (p, v) => p.Type = v)
        .Opt("value", Any, "Its value; absent when it cannot be read.", p => p.Value, (p, v) => p.Value = v));

    static readonly QapiStruct<ObjectPropertiesValues> s_propertiesValues = new("ObjectPropertiesValues", rows => rows
        .Row("properties", ListOf(s_propertyValue), "The properties of one object.", p => p.Properties, (p, v) => p.Properties = v));

    static readonly QapiStruct<ObjectTypeInfo> s_typeInfo = new("ObjectTypeInfo", rows => rows
        .Row("name", Str, "The class.", t => t.Name, (t, v) => t.Name = v)
        .Opt("abstract", Bool, "No instance can be made of it.", t => t.Abstract, (t, v) => t.Abstract = v)
        .Opt("parent", Str, "The class it is derived from.", t => t.Parent, (t, v) => t.Parent = v));

    static readonly Arg<string> s_path = Arg("path", Str, "The object: an absolute path, or a partial one that fits only one object.");

    public static IEnumerable<Command> All(QomTree tree, QomTypes types, PropertyChanges changes) => s_topic.Of(Rows(tree, types, changes));

    static IEnumerable<Command> Rows(QomTree tree, QomTypes types, PropertyChanges changes)
    {
        yield return Command("qom-get", "Read a property.", Any, s_path, Arg("property", Str, "The property's name."),
            (_, path, property) => tree.Resolve(path).Get(property)).ForObservers()
            .Example("""{"path": "ram0", "property": "size"}""", "2097152")
            .Fails(QmpErrors.DeviceNotFound("ram9"), """{"path": "ram9", "property": "size"}""")
            .Fails(QmpErrors.PropertyNotFound("memory-backend-memfd", "color"), """{"path": "ram0", "property": "color"}""")
            .MayFail(QmpErrors.PropertyNotReadable("TYPE", "PROPERTY"));

        yield return Slow("qom-set", "Change a property.", None, s_path, Arg("property", Str, "The property's name."),
            Arg("value", Any, "The new value, of the property's type."),
            (call, path, property, value) => SetAsync(changes, path, property, value, call.Waiter))
            .Example("""{"path": "ram0", "property": "dump", "value": false}""")
            .Fails(QmpErrors.DeviceNotFound("ram9"), """{"path": "ram9", "property": "dump", "value": false}""")
            .Fails(QmpErrors.PropertyNotFound("memory-backend-memfd", "color"), """{"path": "ram0", "property": "color", "value": 1}""")
            .Fails(QmpErrors.PropertyNotWritable("memory-backend-memfd", "type"),
                """{"path": "ram0", "property": "type", "value": "x"}""")
            .Fails(QmpErrors.CannotChangeSize("memory-backend-memfd"), """{"path": "ram0", "property": "size", "value": 4096}""")
            .Fails(QmpErrors.CannotChange(), """{"path": "ram0", "property": "seal", "value": false}""")
            .MayFail(QmpErrors.CannotBind("ERROR"), QmpErrors.AdviceFailed("PROPERTY", "ADVICE", "ERROR"),
                QmpErrors.PreallocFailed("ERROR"));

        yield return Command("qom-list", "List the properties of an object.", ListOf(s_propertyInfo), s_path,
            (_, path) => Properties(tree.ResolveForList(path))).ForObservers()
            .Example("""{"path": "/objects"}""",
                """[{"name": "type", "type": "string"}, {"name": "ram0", "type": "child<memory-backend-memfd>"}]""")
            .Fails(QmpErrors.DeviceNotFound("ram9"), """{"path": "ram9"}""")
            .MayFail(QmpErrors.PathAmbiguous("PATH"));

        yield return Command("qom-list-get", "List the properties of objects with their values.", ListOf(s_propertiesValues),
            Arg("paths", ListOf(Str), "The objects."),
            (_, paths) => (IReadOnlyList<ObjectPropertiesValues>)[.. paths.Select(p => Values(tree.ResolveForList(p)))]).ForObservers()
            .Example("""{"paths": ["/objects"]}""",
                """[{"properties": [{"name": "type", "type": "string", "value": "container"}, "..."]}]""")
            .Fails(QmpErrors.DeviceNotFound("ram9"), """{"paths": ["ram9"]}""")
            .MayFail(QmpErrors.PathAmbiguous("PATH"));

        yield return Command("qom-list-types", "List the classes.", ListOf(s_typeInfo),
            Opt("implements", Str, "Only those derived from this class or implementing this interface."),
            Opt("abstract", Bool, false, "Also those of which there can be no instance."),
            (_, implements, withAbstract) => (IReadOnlyList<ObjectTypeInfo>)[.. types.All
                .Where(t => (withAbstract || !t.IsAbstract) && !t.IsInterface && (implements is null || t.Is(implements)))
                .Select(t => new ObjectTypeInfo { Name = t.Name, Parent = t.Parent?.Name, Abstract = t.IsAbstract ? true : null })])
            .ForObservers()
            .Example("""{"implements": "thread-context"}""", """[{"name": "thread-context", "parent": "object"}]""");

        yield return Command("qom-list-properties", "List the properties of a class.", ListOf(s_propertyInfo),
            Arg("typename", Str, "The class."), (_, name) => Properties(FindClass(types, name))).ForObservers()
            .Example("""{"typename": "memory-backend-memfd"}""", """[{"name": "type", "type": "string"}, "..."]""")
            .Fails(QmpErrors.ClassNotFound("car"), """{"typename": "car"}""")
            .Fails(QmpErrors.NotAQomType(), """{"typename": "user-creatable"}""");
    }

    static ValueTask<Nothing> SetAsync(PropertyChanges changes, string path, string property, Value value, Waiter waiter)
    {
        var work = changes.SetAsync(path, property, value, waiter);
        return work.IsCompletedSuccessfully ? default : Await(work);

        static async ValueTask<Nothing> Await(ValueTask work)
        {
            await work.ConfigureAwait(false);
            return default;
        }
    }

    static QomClass FindClass(QomTypes types, string name)
    {
        var found = types.Find(name) ?? throw QmpErrors.ClassNotFound(name);
        return found.IsInterface ? throw QmpErrors.NotAQomType() : found;
    }

    static IReadOnlyList<ObjectPropertyInfo> Properties(QomObject target) =>
    [
        .. target.Class.Listed.Select(p => new ObjectPropertyInfo { Name = p.Name, Type = p.QomType }),
        .. target.Children.Select(c => new ObjectPropertyInfo { Name = c.Name, Type = $"child<{c.Class.Name}>" }),
    ];

    static IReadOnlyList<ObjectPropertyInfo> Properties(QomClass type) =>
        [.. type.Listed.Select(p => new ObjectPropertyInfo { Name = p.Name, Type = p.QomType, Description = p.Doc })];

    static ObjectPropertiesValues Values(QomObject target) => new()
    {
        Properties =
        [
            .. target.Class.Listed.Select(p => new ObjectPropertyValue { Name = p.Name, Type = p.QomType, Value = Readable(target, p) }),
            .. target.Children.Select(c => new ObjectPropertyValue
            {
                Name = c.Name,
                Type = $"child<{c.Class.Name}>",
                Value = Value.From(c.Path),
            }),
        ],
    };

    static Value? Readable(QomObject target, QomProperty property)
    {
        try
        {
            return property.IsReadable ? property.Get(target) : null;
        }
        catch (QmpException)
        {
            // As in QEMU, a property that cannot be read has no value in the list.
            return null;
        }
    }
}
