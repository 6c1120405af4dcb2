using System.Globalization;
using HostMemd.Client;
using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>All memory at a glance, in one round trip; two if the holders' names are wanted.</summary>
static class ListVerb
{
    static readonly OperandRow s_globs = new("GLOB", "Only these ids; * and ? stand for any letters and for one.", Sources.Ids)
    { IsOptional = true, IsMany = true };
    static readonly OptionRow s_kind = new("kind", '\0', "KIND", "Only memory of that kind.", Sources.Kinds);
    static readonly OptionRow s_node = new("node", '\0', "N", "Only memory that is bound to that NUMA node or has pages there.");
    static readonly OptionRow s_columns = new("columns", 'O', "COL,...", "Print these columns.",
        completer => Task.FromResult<IReadOnlyList<Suggestion>>([.. ColumnNames().Select(name => new Suggestion(name))]));

    public static readonly VerbRow Row = new("list", "List the memory.", RunAsync)
    {
        Aliases = ["ls"],
        Operands = [s_globs],
        Options = [s_kind, s_node, s_columns],
        Details =
        [
            "FILLED is the share that is resident, HELD how many processes use the memory; -o wide names them.",
            "With -o json: what query-memdev-stats returns, each element with those members of query-memdev that it has not itself.",
        ],
    };

    static IEnumerable<string> ColumnNames() => Columns(Sizes.Text, isTerminal: false, unicode: false).Select(c => c.Name);

    static IReadOnlyList<Column<ListedMemory>> Columns(Func<ulong, string> size, bool isTerminal, bool unicode) =>
    [
        new("ID", e => e.Id),
        new("KIND", e => e.Kind) { Dispensable = 2 },
        new("SIZE", e => size(e.Size)) { IsNumber = true },
        new("RESIDENT", e => size(e.Resident)) { IsNumber = true, Dispensable = 1 },
        new("FILLED", e => Filled(e, isTerminal, unicode)) { Dispensable = 6 },
        new("PAGE", e => size(e.PageSize)) { IsNumber = true, Dispensable = 5 },
        new("NODES", e => e.Policy is "default" or "" ? "any" : e.Policy) { Dispensable = 4 },
        new("SWAPPED", e => size(e.Swapped)) { IsNumber = true, IsWide = true, Dispensable = 7 },
        new("HUGE", e => size(e.Huge)) { IsNumber = true, IsWide = true, Dispensable = 8 },
        new("HELD", e => e.Held == 0 ? "-" : e.Held.ToString(CultureInfo.InvariantCulture))
        { IsNumber = true, Dispensable = 3 },
        new("HELD BY", e => Holders.Names(e.Holders)) { IsWide = true, Dispensable = 9 },
    ];

    static string Filled(ListedMemory memory, bool isTerminal, bool unicode)
    {
        var percent = Sizes.Percent(memory.Resident, memory.Size);
        return isTerminal ? $"{Bar.Of(percent, unicode)} {percent,3}%" : $"{percent}%";
    }

    static async Task<int> RunAsync(Invocation call)
    {
        var node = call.Number(s_node, 0, 65535);
        var columns = Wanted(call);
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        if (call.Form == OutputForm.Json)
            return await JsonAsync(call, client, node).ConfigureAwait(false);
        var named = call.Form != OutputForm.Id && columns.Any(c => c.Name == "HELD BY");
        var asked = named ? client.QueryMappingsAsync() : Task.FromResult<IReadOnlyList<MemdevMapping>>([]);
        (await client.ExecuteAsync("query-memdev-stats", Members.None).ConfigureAwait(false)).TryList(out var stats);
        var holders = (await asked.ConfigureAwait(false)).ToLookup(m => m.Id);
        var all = Read(stats ?? [], holders);
        ListedMemory[] entries = [.. all.Where(m => Fits(call, node, m))];
        var omitted = call.List(columns, entries, e => e.Id);
        if (call.Terminal.IsTerminal && call.HasLegend && call.Form != OutputForm.Id)
            WriteSum(call, entries, all.Count, omitted);
        return Misses(call, all.Select(s => s.Id));
    }

    static void WriteSum(Invocation call, ListedMemory[] entries, int all, IReadOnlyList<string> omitted)
    {
        if (entries.Length == 0)
        {
            call.Out.Write(all == 0 ? "No memory. 'hostmemctl add ID memfd 1G' makes some.\n"
                : string.Create(CultureInfo.InvariantCulture, $"None of {all} fits.\n"));
            return;
        }
        var (size, resident) = (Sum(entries, s => s.Size), Sum(entries, s => s.Resident));
        call.Out.Write(string.Create(CultureInfo.InvariantCulture,
            $"\n{entries.Length} listed, {call.Size(size)} in all, {call.Size(resident)} resident.\n"));
        if (omitted.Count > 0)
            call.Out.Write($"No room for {string.Join(", ", omitted)}.\n");
    }

    static ulong Sum(ListedMemory[] entries, Func<ListedMemory, ulong> of) => entries.Aggregate(0UL, (sum, e) => sum + of(e));

    static IReadOnlyList<Column<ListedMemory>> Wanted(Invocation call)
    {
        var all = Columns(call.Size, call.Terminal.IsTerminal, call.Terminal.IsUnicode);
        if (call.Value(s_columns) is not { } names)
            return [.. all.Where(c => (!c.IsWide || call.Form == OutputForm.Wide) && !(c.Name == "HELD" && call.Form == OutputForm.Wide))];
        return [.. names.Split(',').Select(name => (all.FirstOrDefault(c => c.Name.Equals(name.Trim(), StringComparison.OrdinalIgnoreCase)
            || c.Name.Replace(' ', '-').Equals(name.Trim(), StringComparison.OrdinalIgnoreCase))
            ?? throw Mistake.Unknown("column", name, all.Select(c => c.Name), $"there are {string.Join(",", all.Select(c => c.Name))}"))
            with { IsWide = false, Dispensable = 0 })];
    }

    static List<ListedMemory> Read(IReadOnlyList<Value> elements, ILookup<string, MemdevMapping>? holders)
    {
        var all = new List<ListedMemory>(elements.Count);
        foreach (var element in elements)
        {
            if (element.TryObject(out var members) && members["id"].TryString(out var id))
                all.Add(new(members, id, holders is null ? [] : [.. holders[id]]));
        }
        return all;
    }

    static bool Fits(Invocation call, uint? node, ListedMemory memory) =>
        (call.Words(s_globs) is not { Count: > 0 } globs || globs.Any(g => Glob.Fits(g, memory.Id)))
        && (call.Value(s_kind) is not { } kind || Kind.TypeOf(kind) == Kind.TypeOf(memory.Kind))
        && (node is not { } number || memory.IsOn(number));

    // An id that was named and is not there is a mistake; a pattern that fits nothing is not.
    static int Misses(Invocation call, IEnumerable<string> ids)
    {
        var known = ids.ToHashSet(StringComparer.Ordinal);
        var missing = call.Words(s_globs).Where(g => !Glob.IsPattern(g) && !known.Contains(g)).ToArray();
        foreach (var id in missing)
            call.Complain(Similar.To(id, known) is { } meant ? $"{id}: no such memory; did you mean '{meant}'?" : $"{id}: no such memory");
        return missing.Length == 0 ? ExitStatus.Done : ExitStatus.Refused;
    }

    static async Task<int> JsonAsync(Invocation call, HostMemdClient client, uint? node)
    {
        var asked = client.ExecuteAsync("query-memdev", Members.None);
        (await client.ExecuteAsync("query-memdev-stats", Members.None).ConfigureAwait(false)).TryList(out var stats);
        (await asked.ConfigureAwait(false)).TryList(out var memdevs);
        var others = new Dictionary<string, Members>(StringComparer.Ordinal);
        foreach (var memdev in memdevs ?? [])
        {
            if (memdev.TryObject(out var members) && members["id"].TryString(out var id))
                others[id] = members;
        }
        var all = Read(stats ?? [], null);
        var fitting = all.Where(m => Fits(call, node, m)).ToArray();
        foreach (var memory in fitting)
        {
            if (others.TryGetValue(memory.Id, out var more))
                memory.Join(more);
        }
        call.Json(Value.From([.. fitting.Select(m => m.ToValue())]));
        return Misses(call, all.Select(m => m.Id));
    }
}
