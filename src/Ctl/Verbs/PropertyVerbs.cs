using HostMemd.Client;
using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>Reading and changing properties, as text that goes both ways.</summary>
static class PropertyVerbs
{
    static readonly OperandRow s_id = new("ID", "The object.", Sources.Ids);
    static readonly OperandRow s_keys = new("KEY", "The properties; all if there is none.", Sources.Keys)
    { IsOptional = true, IsMany = true };
    static readonly OperandRow s_assignments = new("KEY=VALUE", "What they are to be.", Sources.Assignments) { IsMany = true };

    public static readonly VerbRow Get = new("get", "Print properties.", GetAsync)
    {
        Operands = [s_id, s_keys],
        Details = ["Prints KEY=VALUE a line, or the value alone of one KEY, as set and add take them. With -o json: an object."],
    };

    public static readonly VerbRow Set = new("set", "Change properties.", SetAsync)
    {
        Operands = [s_id, s_assignments],
        Details = ["They are changed one after the other; the first that is refused ends it."],
    };

    static async Task<int> GetAsync(Invocation call)
    {
        var id = call.Word(s_id);
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        var known = await ListAsync(client, id).ConfigureAwait(false);
        var keys = call.Words(s_keys);
        Property[] wanted = keys.Count == 0 ? [.. known] : [.. keys.Select(k => Properties.Find(known, k, id))];
        var asked = wanted.Select(p => (Property: p, Work: client.GetPropertyAsync(Path(id), p.Name))).ToArray();
        var values = new Members();
        foreach (var (property, work) in asked)
        {
            try
            {
                values.TryAdd(property.Name, await work.ConfigureAwait(false));
            }
            catch (QmpException) when (keys.Count == 0)
            {
                // One that can only be written.
            }
        }
        if (call.Form == OutputForm.Json)
            call.Json(Value.From(values));
        else if (keys.Count == 1)
            call.Out.Write(wanted[0].Write(values[wanted[0].Name]) + "\n");
        else
        {
            foreach (var property in wanted.Where(p => values.Contains(p.Name)))
                call.Out.Write($"{property.Name}={property.Write(values[property.Name])}\n");
        }
        return ExitStatus.Done;
    }

    static async Task<int> SetAsync(Invocation call)
    {
        var id = call.Word(s_id);
        using var client = await call.ConnectAsync(outOfBand: true).ConfigureAwait(false);
        var known = await ListAsync(client, id).ConfigureAwait(false);
        // All are read before the first is changed: a typing error changes nothing.
        var changes = call.Words(s_assignments).Select(Properties.Split)
            .Select(w => (w.Key, Value: Properties.Find(known, w.Key, id).Read(w.Text))).ToArray();
        foreach (var (key, value) in changes)
        {
            var work = client.SetPropertyAsync(Path(id), key, value);
            await ImplicitFilling.WaitAsync(call, client, id, work, "nothing was kept").ConfigureAwait(false);
        }
        return ExitStatus.Done;
    }

    static string Path(string id) => "/objects/" + id;

    static async Task<IReadOnlyList<Property>> ListAsync(HostMemdClient client, string id)
    {
        try
        {
            return Properties.Read(await client.ExecuteAsync("qom-list", new() { { "path", Value.From(Path(id)) } }).ConfigureAwait(false));
        }
        catch (QmpException refusal) when (refusal.Class == ErrorClass.DeviceNotFound)
        {
            var known = (await client.QueryMemdevAsync().ConfigureAwait(false)).Select(m => m.Id ?? "");
            throw CtlException.Refused(Similar.To(id, known) is { } meant ? $"{id}: no such object; did you mean '{meant}'?"
                : $"{id}: no such object");
        }
    }
}
