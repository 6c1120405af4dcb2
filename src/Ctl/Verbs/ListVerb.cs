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

    sealed record Entry(MemdevStats Stats, IReadOnlyList<MemdevMapping> Holders);

    static IEnumerable<string> ColumnNames() => Columns(Sizes.Text, isTerminal: false, unicode: false).Select(c => c.Name);

    static IReadOnlyList<Column<Entry>> Columns(Func<ulong, string> size, bool isTerminal, bool unicode) =>
    [
        new("ID", e => e.Stats.Id),
        new("KIND", e => Kind.ShortOf(e.Stats.Kind)) { Dispensable = 2 },
        new("SIZE", e => size(e.Stats.Size)) { IsNumber = true },
        new("RESIDENT", e => size(e.Stats.Resident)) { IsNumber = true, Dispensable = 1 },
        new("FILLED", e => Filled(e.Stats, isTerminal, unicode)) { Dispensable = 6 },
        new("PAGE", e => size(e.Stats.PageSize)) { IsNumber = true, Dispensable = 5 },
        new("NODES", e => e.Stats.Policy.Effective is "default" or "" ? "any" : e.Stats.Policy.Effective) { Dispensable = 4 },
        new("SWAPPED", e => size(e.Stats.Swapped)) { IsNumber = true, IsWide = true, Dispensable = 7 },
        new("HUGE", e => size(e.Stats.Huge)) { IsNumber = true, IsWide = true, Dispensable = 8 },
        new("HELD", e => e.Stats.Mappings == 0 ? "-" : e.Stats.Mappings.ToString(CultureInfo.InvariantCulture))
        { IsNumber = true, Dispensable = 3 },
        new("HELD BY", e => Holders.Names(e.Holders)) { IsWide = true, Dispensable = 9 },
    ];

    static string Filled(MemdevStats stats, bool isTerminal, bool unicode)
    {
        var percent = Sizes.Percent(stats.Resident, stats.Size);
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
        var all = await client.QueryStatsAsync().ConfigureAwait(false);
        var holders = (await asked.ConfigureAwait(false)).ToLookup(m => m.Id);
        Entry[] entries = [.. all.Where(s => Fits(call, node, s)).Select(s => new Entry(s, [.. holders[s.Id]]))];
        var omitted = call.List(columns, entries, e => e.Stats.Id);
        if (call.Terminal.IsTerminal && call.HasLegend && call.Form != OutputForm.Id)
            WriteSum(call, entries, all.Count, omitted);
        return Misses(call, all.Select(s => s.Id));
    }

    static void WriteSum(Invocation call, Entry[] entries, int all, IReadOnlyList<string> omitted)
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

    static ulong Sum(Entry[] entries, Func<MemdevStats, ulong> of) => entries.Aggregate(0UL, (sum, e) => sum + of(e.Stats));

    static IReadOnlyList<Column<Entry>> Wanted(Invocation call)
    {
        var all = Columns(call.Size, call.Terminal.IsTerminal, call.Terminal.IsUnicode);
        if (call.Value(s_columns) is not { } names)
            return [.. all.Where(c => (!c.IsWide || call.Form == OutputForm.Wide) && !(c.Name == "HELD" && call.Form == OutputForm.Wide))];
        return [.. names.Split(',').Select(name => (all.FirstOrDefault(c => c.Name.Equals(name.Trim(), StringComparison.OrdinalIgnoreCase)
            || c.Name.Replace(' ', '-').Equals(name.Trim(), StringComparison.OrdinalIgnoreCase))
            ?? throw Mistake.Unknown("column", name, all.Select(c => c.Name), $"there are {string.Join(",", all.Select(c => c.Name))}"))
            with { IsWide = false, Dispensable = 0 })];
    }

    static bool Fits(Invocation call, uint? node, MemdevStats stats) =>
        (call.Words(s_globs) is not { Count: > 0 } globs || globs.Any(g => Glob.Fits(g, stats.Id)))
        && (call.Value(s_kind) is not { } kind || Kind.TypeOf(kind) == stats.Kind)
        && (node is not { } number || stats.Policy.HostNodes.Contains((ushort)number) || stats.Nodes.Any(n => n.Node == number));

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
        var joined = new List<Value>();
        var ids = new List<string>();
        foreach (var one in stats ?? [])
        {
            if (!one.TryObject(out var members) || !members["id"].TryString(out var id))
                continue;
            ids.Add(id);
            if (!Fits(call, node, MemdevStatsOf(one)))
                continue;
            if (others.TryGetValue(id, out var more))
            {
                foreach (var (name, value) in more)
                    members.TryAdd(name, value);
            }
            joined.Add(one);
        }
        call.Json(Value.From(joined));
        return Misses(call, ids);
    }

    static MemdevStats MemdevStatsOf(Value one) => HostMemdClient.ReadStats(one);
}
