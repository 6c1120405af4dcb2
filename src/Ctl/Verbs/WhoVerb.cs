using System.Globalization;
using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>The processes that use memory.</summary>
static class WhoVerb
{
    static readonly OperandRow s_ids = new("ID", "Only these objects.", Sources.Ids) { IsOptional = true, IsMany = true };

    public static readonly VerbRow Row = new("who", "List the processes that use memory.", RunAsync)
    {
        Operands = [s_ids],
        Details =
        [
            "KIND is lease for those that the daemon lent the memory to, kernel for those that the kernel knows of, unseen where the "
                + "kernel says no more than that there are some.",
            "With -o json: what query-memdev-mappings returns.",
        ],
    };

    static async Task<int> RunAsync(Invocation call)
    {
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        var ids = call.Words(s_ids);
        var found = new List<Value>();
        foreach (var id in ids.Count == 0 ? [null] : ids.Cast<string?>())
        {
            var arguments = id is null ? Members.None : new() { { "id", Value.From(id) } };
            (await client.ExecuteAsync("query-memdev-mappings", arguments).ConfigureAwait(false)).TryList(out var some);
            found.AddRange(some ?? []);
        }
        if (call.Form == OutputForm.Json)
        {
            call.Json(Value.From(found));
            return ExitStatus.Done;
        }
        MemdevMapping[] holders = [.. found.Select(Client.HostMemdClient.ReadMapping)];
        if (holders.Length == 0 && call.Form != OutputForm.Id && call.HasLegend && call.Terminal.IsTerminal)
            call.Say(ids.Count == 1 ? $"Nothing uses {ids[0]}." : "Nothing uses the memory.");
        else
            call.List(s_columns, holders, h => h.Id);
        return ExitStatus.Done;
    }

    static readonly IReadOnlyList<Column<MemdevMapping>> s_columns =
    [
        new("ID", h => h.Id),
        new("PID", h => h.Pid == 0 ? "-" : h.Pid.ToString(CultureInfo.InvariantCulture)) { IsNumber = true },
        new("COMMAND", h => h.Comm.Length > 0 ? h.Comm : "-"),
        new("KIND", h => MemdevMapping.KindType.NameOf(h.Kind)),
        new("ACCESS", h => h.Kind == MemdevMappingKind.Unseen ? "-" : h.ReadOnly ? "r" : "rw") { Dispensable = 2 },
        new("SINCE", h => h.Since is { } since ? Sizes.Age(since) : "-") { IsNumber = true, Dispensable = 3 },
        new("LEASE", h => h.Mapping ?? "-") { Dispensable = 1 },
        new("NAME", h => h.Name ?? "-") { IsWide = true, Dispensable = 4 },
    ];
}
