using HostMemd.Backend.Qom;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;

namespace HostMemd.Manual;

/// <summary>hostmemd-qmp(7): the commands, object types, events and types of the protocol, from the tables that the daemon runs
/// on.</summary>
static class QmpPage
{
    public static string Write(CommandTable commands, QomTypes types, IReadOnlyList<Event> events)
    {
        var page = new Mdoc("hostmemd-qmp", 7, "the protocol of hostmemd");
        page.Section("DESCRIPTION");
        page.Text("The daemon");
        page.Macro("Xr hostmemd 8");
        page.Text("speaks QMP, the protocol of QEMU, on Unix sockets: requests and replies are JSON objects.");
        page.Text("A client reads the greeting, sends {\"execute\": \"qmp_capabilities\"}, and then one request after the other; replies "
            + "come in their order.");
        page.Text("Where QEMU has a command or an object type, what the daemon answers is QEMU's.");
        page.Text("Admins are root, the daemon's own user and those that the configuration names; other clients are observers.");
        page.Text("Commands marked 'extension' and types that start with Memdev are the daemon's own.");
        var named = new SortedDictionary<string, QapiType>(StringComparer.Ordinal);
        page.Section("COMMANDS");
        page.List(commands.All.Where(c => c.Topic is not null).OrderBy(c => c.Name, StringComparer.Ordinal),
            c => "Ic " + Mdoc.Argument(c.Name), command => WriteCommand(page, command, named));
        page.Section("OBJECT TYPES");
        page.Text("What object-add makes, and the properties that each has.");
        page.List(types.Creatable.OrderBy(c => c.Name, StringComparer.Ordinal), c => "Cm " + Mdoc.Argument(c.Name), made =>
            page.List(made.All.Where(p => p.InSchema), p => $"Va {Mdoc.Argument(p.Name)} : {Mdoc.Argument(Refer(p.Type, named))}",
                p => page.Text(Sentence(p.Doc ?? p.Note ?? "No description.") + (p.Required ? " Required." : ""))));
        page.Section("EVENTS");
        page.Text("Those marked 'extension' go only to clients that asked for them with memdev-watch.");
        page.List(events.OrderBy(e => e.Name, StringComparer.Ordinal), e => "Dv " + Mdoc.Argument(e.Name), happened =>
        {
            page.Text(happened.Doc + (happened.IsExtension ? " Extension." : ""));
            WriteMembers(page, happened.Data, named);
        });
        page.Section("TYPES");
        var written = new HashSet<string>(StringComparer.Ordinal);
        page.Macro("Bl -tag -width Ds");
        // Describing a type may refer to further ones.
        while (named.Keys.FirstOrDefault(n => !written.Contains(n)) is { } next)
        {
            written.Add(next);
            page.Macro("It Vt " + Mdoc.Argument(next));
            WriteType(page, named[next], named);
        }
        page.Macro("El");
        page.Section("SEE ALSO");
        page.Macro("Xr hostmemctl 1 ,");
        page.Macro("Xr hostmemd 8");
        return page.ToString();
    }

    static void WriteCommand(Mdoc page, Command command, SortedDictionary<string, QapiType> named)
    {
        string[] marks = [command.MinimumRole == Role.Observer ? "Observers" : "Admins",
            .. command.IsExtension ? ["extension"] : Array.Empty<string>(),
            .. command.AllowsOutOfBand ? ["out of band"] : Array.Empty<string>()];
        page.Text($"{command.Doc} {string.Join(", ", marks)}.");
        var shape = (ObjectShape)command.ArgumentType.Shape;
        WriteMembers(page, shape.Members, named);
        if (shape.Tag is { } tag)
            page.Text($"Further arguments are the properties of the object type that {tag} names.");
        if (command.ResultType.Shape is not ObjectShape { Members.Count: 0 })
            page.Text($"Returns {Refer(command.ResultType, named)}.");
    }

    static void WriteMembers(Mdoc page, IReadOnlyList<Member> members, SortedDictionary<string, QapiType> named) => page.List(members,
        m => $"Va {Mdoc.Argument(m.Name)} : {Mdoc.Argument(Refer(m.Type, named))}{(m.Optional ? " Pq optional" : "")}",
        m => page.Text(Sentence(m.Doc)));

    static void WriteType(Mdoc page, QapiType type, SortedDictionary<string, QapiType> named)
    {
        switch (type.Shape)
        {
            case EnumShape { Values: var values }:
                page.Text($"One of {string.Join(", ", values)}.");
                break;
            case ObjectShape shape:
                WriteMembers(page, shape.Members, named);
                foreach (var variant in shape.Variants ?? [])
                    page.Text($"With {shape.Tag} {variant.Case} also those of {Refer(variant.Type, named)}.");
                break;
        }
    }

    static string Refer(QapiType type, SortedDictionary<string, QapiType> named)
    {
        switch (type.Shape)
        {
            case BuiltinShape:
                return type.Unit is { } unit ? $"{type.Name}, {unit}" : type.Name;
            case ArrayShape { Element: var element }:
                return $"list of {Refer(element, named)}";
            default:
                named.TryAdd(type.Name, type);
                return type.Name;
        }
    }

    static string Sentence(string text) => text.Length == 0 ? "No description." : text.EndsWith('.') ? text : text + ".";
}
