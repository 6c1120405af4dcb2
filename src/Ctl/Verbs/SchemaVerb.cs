using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>What the daemon's commands take and return, as it describes itself.</summary>
static class SchemaVerb
{
    // Types refer to each other in circles nowhere; the object-add union is the deepest.
    const int Deepest = 4;

    static readonly OperandRow s_command = new("COMMAND", "The command.", Sources.Commands) { IsOptional = true };

    public static readonly VerbRow Row = new("schema", "Show what commands take and return.", RunAsync)
    {
        Operands = [s_command],
        Details = ["Without a COMMAND: all commands with the names of their arguments. With -o json: what query-qmp-schema returns."],
    };

    static async Task<int> RunAsync(Invocation call)
    {
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        var reply = await client.ExecuteAsync("query-qmp-schema", Members.None).ConfigureAwait(false);
        if (call.Form == OutputForm.Json)
        {
            call.Json(reply);
            return ExitStatus.Done;
        }
        reply.TryList(out var items);
        var entities = (items ?? []).Select(i => i.TryObject(out var m) ? m : Members.None)
            .ToDictionary(m => Text(m, "name"), StringComparer.Ordinal);
        var commands = entities.Values.Where(m => Text(m, "meta-type") == "command").OrderBy(m => Text(m, "name"), StringComparer.Ordinal)
            .ToArray();
        if (call.Words(s_command) is not [var wanted])
        {
            call.List([new("COMMAND", m => Text(m, "name")), new("ARGUMENTS", m => Arguments(entities, m))], commands,
                m => Text(m, "name"));
            return ExitStatus.Done;
        }
        var found = commands.FirstOrDefault(c => Text(c, "name") == wanted)
            ?? throw Mistake.Unknown("command", wanted, commands.Select(c => Text(c, "name")), "'hostmemctl schema' lists them");
        call.Out.Write(call.Terminal.Bold(wanted) + "\n");
        WriteMembers(call, entities, entities[Text(found, "arg-type")], 1);
        call.Out.Write($"returns {TypeName(entities, Text(found, "ret-type"))}\n");
        WriteMembers(call, entities, Element(entities, Text(found, "ret-type")), 1);
        return ExitStatus.Done;
    }

    static string Text(Members members, string name) => members[name].TryString(out var text) ? text : "";

    static string Arguments(Dictionary<string, Members> entities, Members command) =>
        string.Join(' ', MembersOf(entities[Text(command, "arg-type")])
            .Select(m => m.Contains("default") ? $"[{Text(m, "name")}]" : Text(m, "name"))) is { Length: > 0 } names ? names : "-";

    static IEnumerable<Members> MembersOf(Members entity)
    {
        // An enumeration has members too, which are its values.
        if (Text(entity, "meta-type") != "object" || !entity["members"].TryList(out var items))
            return [];
        return items.Select(i => i.TryObject(out var m) ? m : Members.None);
    }

    static Members Element(Dictionary<string, Members> entities, string type)
    {
        var entity = entities[type];
        return Text(entity, "meta-type") == "array" ? Element(entities, Text(entity, "element-type")) : entity;
    }

    // The schema's names are numbers; what is behind them says more.
    static string TypeName(Dictionary<string, Members> entities, string type)
    {
        var entity = entities[type];
        switch (Text(entity, "meta-type"))
        {
            case "array":
                return "list of " + TypeName(entities, Text(entity, "element-type"));
            case "enum":
                entity["values"].TryList(out var values);
                return string.Join('|', (values ?? []).Select(v => v.TryString(out var text) ? text : ""));
            case "object":
                return "object";
            default:
                return Text(entity, "json-type");
        }
    }

    static void WriteMembers(Invocation call, Dictionary<string, Members> entities, Members entity, int depth)
    {
        foreach (var member in MembersOf(entity))
        {
            var name = Text(member, "name");
            var type = Text(member, "type");
            var shown = member.Contains("default") ? $"[{name}]" : name;
            call.Out.Write($"{new string(' ', 2 * depth)}{shown}: {TypeName(entities, type)}\n");
            if (depth < Deepest)
                WriteMembers(call, entities, Element(entities, type), depth + 1);
        }
        entity["variants"].TryList(out var variants);
        foreach (var variant in variants ?? [])
        {
            if (!variant.TryObject(out var branch))
                continue;
            call.Out.Write($"{new string(' ', 2 * depth)}with {Text(entity, "tag")}={Text(branch, "case")}:\n");
            WriteMembers(call, entities, entities[Text(branch, "type")], depth + 1);
        }
    }
}
