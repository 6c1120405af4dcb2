using System.Text;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Help;
using HostMemd.Qapi;

namespace HostMemd.Config;

// The options about objects and their properties.
static partial class OptionTable
{
    static OptionRow ObjectRow() => new()
    {
        Name = "object",
        Argument = "TYPE,id=ID[,KEY=VALUE]...",
        IsRepeatable = true,
        Help = ["make an object at start; JSON is taken as well", "help: list the types; TYPE,help: list its properties"],
        Doc = "Makes an object at start, after those of the file, in order. JSON is taken as well; sizes have suffixes (`4G`). "
            + "`--object help` lists the types, `--object TYPE,help` the properties of one.",
        Example = "memory-backend-memfd,id=mem0,size=4G",
        Take = TakeObject,
        Keys = [ObjectsKey()],
    };

    static OptionRow GlobalRow() => new()
    {
        Name = "global",
        Argument = "TYPE.PROPERTY=VALUE",
        IsRepeatable = true,
        Help = ["default of a property for all objects of TYPE", "and of the types derived from it"],
        Doc = "The default of a property, for all objects of the type and of types derived from it. An unknown type or property ends the "
            + "start.",
        Example = "memory-backend.prealloc-threads=4",
        // Defaults are applied in order: of two for one property the command line's stays.
        Take = (options, text) => options with
        {
            Machine = options.Machine with { Globals = [.. options.Machine.Globals, ReadGlobal(text)] },
        },
        Keys = [GlobalsKey()],
    };

    static HostMemdOptions TakeObject(HostMemdOptions options, string text)
    {
        if (text.StartsWith('{'))
            return Added(options, new($"--object {text}", null, JsonInput.Read(Encoding.UTF8.GetBytes(text))));
        var opts = OptsText.Split(text, "qom-type");
        var type = OptsText.Last(opts, "qom-type") ?? throw new StartException("Parameter 'qom-type' is missing");
        var added = Added(Warned(options, "--object", opts), new($"--object {text}", text, Value.Null));
        return OptsText.IsHelp(type) ? added with { Answer = () => ObjectHelp.Types(BackendTypes.All) }
            : OptsText.AsksForHelp(opts) ? added with { Answer = () => HelpOn(type) }
            : added;
    }

    static HostMemdOptions Added(HostMemdOptions options, ConfiguredObject made) => options with { Objects = [.. options.Objects, made] };

    static string HelpOn(string type) => BackendTypes.All.Creatable.FirstOrDefault(c => c.Name == type) is { } known
        ? ObjectHelp.Properties(known)
        : throw new StartException($"--object {type},help: {QmpErrors.DoesNotAcceptValue("qom-type", type).Message}");

    /// <summary>Reads <c>TYPE.PROPERTY=VALUE</c>. Whether there are such a type and property is checked when the types are known.</summary>
    /// <exception cref="StartException">The text has another form.</exception>
    static GlobalProperty ReadGlobal(string text)
    {
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (dot <= 0 || equals <= dot + 1)
            throw new StartException("not of the form TYPE.PROPERTY=VALUE");
        return new(text[..dot], text[(dot + 1)..equals], text[(equals + 1)..]);
    }

    static SettingKey<HostMemdOptions> ObjectsKey() => new()
    {
        Path = "Objects",
        Form = "list of texts as behind `--object`, and of `object-add`'s arguments",
        Default = "[]",
        Example = """[ "memory-backend-ram,id=mem0,size=4G", { "qom-type": "memory-backend-memfd", "id": "mem1", "size": 4294967296 } ]""",
        Doc = "Objects made at start, in this order, before those of the command line.",
        Read = (options, section, name) => options with
        {
            Objects = [.. options.Objects,
                .. (section.List(name) ?? []).Select((item, index) => ReadObject(section, $"{name}[{index}]", item))],
        },
    };

    static SettingKey<HostMemdOptions> GlobalsKey() => new()
    {
        Path = "Globals",
        Form = "list of texts `TYPE.PROPERTY=VALUE`",
        Default = "[]",
        Example = """[ "memory-backend.prealloc-threads=4" ]""",
        Doc = "Defaults of properties, for all objects of the type and of types derived from it. Of two for one property the last one "
            + "stays.",
        Read = (options, section, name) => options with
        {
            Machine = options.Machine with
            {
                Globals = [.. options.Machine.Globals, .. (section.List(name) ?? []).Select(item => ReadGlobal(section, name, item))],
            },
        },
    };

    static ConfiguredObject ReadObject(ConfigSection section, string name, Value item) =>
        item.TryString(out var text) ? new(section.Describe(name), text, Value.Null)
        : item.TryObject(out _) ? new(section.Describe(name), null, item)
        : throw section.Wrong(name, "is neither a text nor an object");

    static GlobalProperty ReadGlobal(ConfigSection section, string name, Value item)
    {
        if (!item.TryString(out var text))
            throw section.Wrong(name, "has an entry that is no text");
        try
        {
            return ReadGlobal(text);
        }
        catch (StartException wrong)
        {
            throw section.Wrong(name, $"has '{text}': {wrong.Message}");
        }
    }
}
