using System.Text;
using HostMemd.Backend.Qom;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;

namespace HostMemd.Help;

/// <summary>
/// Writes docs/qmp-reference.md from the tables that also dispatch and validate. The only text here is what connects the tables. The same
/// tables give the same bytes.
/// </summary>
/// <param name="commands">All commands.</param>
/// <param name="types">All classes.</param>
/// <param name="events">All events.</param>
/// <param name="sample">
/// Makes a complete object of a class with only the required properties. Initial values are read from it. Setting a property to its own
/// value shows whether the property can still change.
/// </param>
sealed class ManualWriter(CommandTable commands, QomTypes types, IReadOnlyList<Event> events, Func<QomClass, QomObject> sample)
{
    readonly StringBuilder _text = new();

    // Types that the manual has referred to, by name, so that each is described once.
    readonly SortedDictionary<string, QapiType> _named = new(StringComparer.Ordinal);

    public string Write()
    {
        Line("# QMP reference");
        Line("");
        Line("<!-- Generated from the tables in src. Do not edit: HOSTMEMD_UPDATE_DOCS=1 dotnet test tests/unit --filter ManualTests -->");
        Line("");
        Line("Generated from the tables that the daemon dispatches, validates and answers `query-qmp-schema` from; a test fails when it is stale.");
        Line("*Extension*: QEMU has no such command or event. *Out of band*: may be sent as `exec-oob`. Where QEMU has the command, what it");
        Line("answers in every case is QEMU 11.1's, but for the rows of [compatibility.md](compatibility.md). *Admins* are root, the daemon's");
        Line("own user and those of `Access`; other clients are *observers*.");
        Line("");
        Line("A test sends every example and every request in a table of errors to a daemon and compares the answer. Each command's examples");
        Line("start from a fresh daemon, a client that has negotiated, and this object:");
        Line("");
        Line("```");
        Line($"-> {Example.Before}");
        Line("```");
        Line("");
        Line("`\"<pid>\"` and the like stand for any value, `\"...\"` for elements or members that are left out. The time of an event is left out too.");
        WriteContents();
        WriteCommonErrors();
        WriteCommands();
        WriteClasses();
        WriteEvents();
        WriteTypes();
        return _text.ToString();
    }

    IEnumerable<IGrouping<Topic, Command>> Topics => commands.All.Where(c => c.Topic is not null).GroupBy(c => c.Topic!);

    void WriteContents()
    {
        Heading(2, "Contents");
        Row("topic", "commands");
        Row("---", "---");
        foreach (var topic in Topics)
            Row($"[{topic.Key.Title}](#{Anchor(topic.Key.Title)})", string.Join(", ", topic.Select(c => $"[`{c.Name}`](#{c.Name})")));
        Line("");
        Line("[Object types](#object-types), [events](#events), [types](#types).");
    }

    static string Anchor(string title) => title.ToLowerInvariant().Replace(' ', '-');

    void WriteCommonErrors()
    {
        Heading(2, "Errors of every command");
        Line("Texts that QEMU also sends are QEMU's to the byte. `internal error` is a bug of the daemon; its log has the reason.");
        Line("");
        WriteRefusals(Refusal.OfEveryCommand);
    }

    void WriteRefusals(IReadOnlyList<Refusal> refusals)
    {
        Row("class", "error", "a request that gives it");
        Row("---", "---", "---");
        foreach (var refusal in refusals)
            Row($"`{refusal.Error.Class}`", $"`{refusal.Error.Message}`", refusal.Request is { } request
                ? $"`{request}`{(refusal.WithDescriptor ? ", with a descriptor" : "")}" : "");
        Line("");
    }

    void WriteCommands()
    {
        foreach (var topic in Topics)
        {
            Heading(2, topic.Key.Title);
            Line(topic.Key.Doc);
            foreach (var command in topic)
                WriteCommand(command);
        }
    }

    void WriteCommand(Command command)
    {
        Heading(3, command.Name);
        var marks = Marks(command);
        Line($"{command.Doc} *{NameOf(command.MinimumRole)}{(marks.Length > 0 ? ", " + marks : "")}.*");
        Line("");
        var shape = (ObjectShape)command.ArgumentType.Shape;
        if (shape.Members.Count > 0)
            WriteMembers("argument", shape.Members);
        if (shape.Tag is { } tag)
        {
            Line($"Further arguments are the properties of the type that `{tag}` names: see [object types](#object-types).");
            Line("");
        }
        Line(command.ResultType.Shape is ObjectShape { Members.Count: 0 } ? "Returns `{}`." : $"Returns {Refer(command.ResultType)}.");
        Line("");
        if (command.Refusals.Count > 0)
            WriteRefusals(command.Refusals);
        WriteExamples(command.Examples);
    }

    void WriteExamples(IReadOnlyList<Example> examples)
    {
        if (examples.Count == 0)
            return;
        Line("```");
        foreach (var example in examples)
        {
            Line($"-> {example.Request}{(example.WithDescriptor ? "   (with a descriptor)" : "")}");
            Line($"<- {example.Reply}");
            if (example.Event is { } happened)
                Line($"<- {happened}");
        }
        Line("```");
    }

    static string NameOf(Role role) => role switch { Role.Observer => "Observers", _ => "Admins" };

    static string Marks(Command command) =>
        string.Join(", ", ((string[])[command.IsExtension ? "extension" : "", command.AllowsOutOfBand ? "out of band" : ""]).Where(m => m != ""));

    void WriteClasses()
    {
        Heading(2, "Object types");
        Line("What `object-add` makes. The *type* is the schema's, which decides what values are taken; *QOM type* is what `qom-list` says.");
        Line("*Later* says whether `qom-set` may still change the property of a complete object. An initial value that is not shown");
        Line("depends on the host: `prealloc-threads` on `--smp` or the online CPUs, `cpu-affinity` on the daemon's own.");
        var creatable = Sorted(types.Creatable, c => c.Name).ToArray();
        // A property that several classes inherit is described once, at the class that declares it.
        foreach (var parent in creatable.Select(c => c.Parent).OfType<QomClass>().Where(p => Own(p).Any(r => r.InSchema)).Distinct())
            WriteClass(parent, StandsFor(parent));
        foreach (var made in creatable)
            WriteClass(made, made);
    }

    void WriteClass(QomClass described, QomClass made)
    {
        Heading(3, described.Name);
        var example = sample(made);
        var common = described.Parent is { } parent && Own(parent).Any(r => r.InSchema) ? parent : null;
        var rows = common is null ? described.All : [.. OtherInitially(common, example), .. Own(described)];
        var own = rows.Count > 0 ? "and, of its own or with another initial value:" : "and no others.";
        Line(described.IsAbstract ? "Abstract: what all types derived from it have."
            : common is null ? "All its properties:" : $"Has the properties of [`{common.Name}`](#{common.Name}) {own}");
        Line("");
        if (rows.Count == 0)
            return;
        Row("property", "type", "QOM type", "initially", "later", "meaning");
        Row("---", "---", "---", "---", "---", "---");
        foreach (var property in rows)
            Row($"`{property.Name}`", Refer(property.Type), $"`{property.QomType}`", Initially(property, example), Later(property, example),
                property.Doc ?? property.Note ?? "");
    }

    // The class that stands for all classes of one parent, where their common properties are described.
    QomClass StandsFor(QomClass parent) => Sorted(types.Creatable, c => c.Name).First(c => c.Parent == parent);

    IEnumerable<QomProperty> OtherInitially(QomClass common, QomObject example) =>
        common.All.Where(p => Initially(p, example) != Initially(p, sample(StandsFor(common))));

    static IEnumerable<QomProperty> Own(QomClass described) => described.All.Skip(described.Parent?.All.Count ?? 0);

    static string Initially(QomProperty property, QomObject example)
    {
        if (property.Required)
            return "**required**";
        if (!property.InSchema || !property.IsReadable)
            return "";
        var value = property.Get(example);
        var dependsOnHost = (value.TryBits(out var number) && number != 0) || (value.TryList(out var items) && items.Count > 0);
        return dependsOnHost ? "" : $"`{Text(value)}`";
    }

    static string Text(Value value) => value.Kind switch
    {
        ValueKind.Bool => value.TryBool(out var flag) && flag ? "true" : "false",
        ValueKind.String => value.TryString(out var text) ? $"\"{text}\"" : "",
        ValueKind.List => "[]",
        _ => "0",
    };

    static string Later(QomProperty property, QomObject example)
    {
        if (!property.IsWritable)
            return "read only";
        if (!property.IsReadable)
            return "write only";
        try
        {
            // Nothing changes: a setter ignores a value that is set already.
            property.Set(example, property.Get(example)).AsTask().GetAwaiter().GetResult();
            return "yes";
        }
        catch (QmpException)
        {
            return "no";
        }
    }

    void WriteEvents()
    {
        Heading(2, "Events");
        Line("Extensions go only to clients that asked for them with `memdev-watch`.");
        foreach (var declared in Sorted(events, e => e.Name))
        {
            Heading(3, declared.Name);
            Line(declared.Doc + (declared.IsExtension ? " *Extension.*" : ""));
            Line("");
            if (declared.Data.Count > 0)
                WriteMembers("member", declared.Data);
        }
    }

    void WriteTypes()
    {
        Heading(2, "Types");
        Line("Built in: `str`, `bool`, `int`, `any` (every JSON value); `[T]` is a list of `T`. The schema masks the names below by numbers, as");
        Line("QEMU's does.");
        Line("");
        var body = _text.Length;
        var written = new SortedDictionary<string, string>(StringComparer.Ordinal);
        // The description of a type may refer to further types.
        while (_named.Keys.Except(written.Keys).ToArray() is { Length: > 0 } names)
        {
            foreach (var name in names)
            {
                WriteType(_named[name]);
                written.Add(name, _text.ToString(body, _text.Length - body).TrimEnd('\n'));
                _text.Length = body;
            }
        }
        _text.AppendJoin("\n\n", written.Values).Append('\n');
    }

    void WriteType(QapiType type)
    {
        Heading(3, type.Name);
        switch (type.Shape)
        {
            case EnumShape { Values: var values }:
                Line("One of " + string.Join(", ", values.Select(v => $"`{v}`")) + ".");
                break;
            case ObjectShape shape:
                if (shape.Members.Count > 0)
                    WriteMembers("member", shape.Members);
                foreach (var variant in shape.Variants ?? [])
                    Line($"- With `{shape.Tag}` `{variant.Case}` also those of {Refer(variant.Type)}.");
                break;
        }
    }

    void WriteMembers(string kind, IReadOnlyList<Member> members)
    {
        Row(kind, "type", "presence", "meaning");
        Row("---", "---", "---", "---");
        foreach (var member in members)
            Row($"`{member.Name}`", Refer(member.Type), member.Optional ? "optional" : "always", member.Doc);
        Line("");
    }

    // Built-in types are names, lists are named by their elements, other types are links.
    string Refer(QapiType type)
    {
        switch (type.Shape)
        {
            case BuiltinShape:
                return type.Unit is { } unit ? $"`{type.Name}`, {unit}" : $"`{type.Name}`";
            case ArrayShape { Element: var element }:
                return element.Shape is BuiltinShape ? $"`[{element.Name}]`" : $"list of {Refer(element)}";
            default:
                _named.TryAdd(type.Name, type);
                return $"[`{type.Name}`](#{type.Name.ToLowerInvariant()})";
        }
    }

    static IEnumerable<T> Sorted<T>(IEnumerable<T> all, Func<T, string> name) => all.OrderBy(name, StringComparer.Ordinal);

    void Heading(int level, string text)
    {
        if (!EndsWithBlankLine())
            Line("");
        Line($"{new string('#', level)} {text}");
        Line("");
    }

    bool EndsWithBlankLine() => _text.Length >= 2 && _text[^1] == '\n' && _text[^2] == '\n';

    void Row(params ReadOnlySpan<string> cells)
    {
        foreach (var cell in cells)
            _text.Append("| ").Append(cell.Replace("|", "\\|", StringComparison.Ordinal)).Append(cell.Length > 0 ? " " : "");
        _text.Append("|\n");
    }

    void Line(string text) => _text.Append(text).Append('\n');
}
