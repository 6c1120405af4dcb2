using System.Globalization;
using HostMemd.Client;
using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>The kernel's word about memory.</summary>
static class StatsVerb
{
    static readonly OperandRow s_ids = new("ID", "Only these objects.", Sources.Ids) { IsOptional = true, IsMany = true };

    public static readonly VerbRow Row = new("stats", "Show what the kernel says of the memory.", RunAsync)
    {
        Operands = [s_ids],
        Details = ["NODES has the bytes on each NUMA node. With -o json: what query-memdev-stats returns."],
    };

    static async Task<int> RunAsync(Invocation call)
    {
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        var ids = call.Words(s_ids);
        var found = new List<Value>();
        foreach (var id in ids.Count == 0 ? [null] : ids.Cast<string?>())
        {
            var arguments = id is null ? Members.None : new() { { "id", Value.From(id) } };
            (await client.ExecuteAsync("query-memdev-stats", arguments).ConfigureAwait(false)).TryList(out var some);
            found.AddRange(some ?? []);
        }
        if (call.Form == OutputForm.Json)
            call.Json(Value.From(found));
        else
            call.List(Columns(call), [.. found.Select(HostMemdClient.ReadStats)], s => s.Id);
        return ExitStatus.Done;
    }

    static IReadOnlyList<Column<MemdevStats>> Columns(Invocation call) =>
    [
        new("ID", s => s.Id),
        new("SIZE", s => call.Size(s.Size)) { IsNumber = true },
        new("RESIDENT", s => call.Size(s.Resident)) { IsNumber = true },
        new("HUGE", s => call.Size(s.Huge)) { IsNumber = true, Dispensable = 4 },
        new("SWAPPED", s => call.Size(s.Swapped)) { IsNumber = true, Dispensable = 1 },
        new("MERGE", s => s.Merge.Effective ? "on" : s.Merge.Requested ? "no" : "off") { Dispensable = 6 },
        new("DUMP", s => s.Dump.Effective ? "on" : "off") { Dispensable = 7 },
        new("POLICY", s => s.Policy.Effective is "" ? "-" : s.Policy.Effective) { Dispensable = 5 },
        new("HELD", s => s.Mappings.ToString(CultureInfo.InvariantCulture)) { IsNumber = true, Dispensable = 2 },
        new("NODES", s => s.Nodes.Count == 0 ? "-" : string.Join(' ', s.Nodes.Select(
            n => string.Create(CultureInfo.InvariantCulture, $"{n.Node}:{call.Size(n.Bytes)}"))))
        { Dispensable = 3 },
    ];
}
