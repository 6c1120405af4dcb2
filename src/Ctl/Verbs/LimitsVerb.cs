using System.Globalization;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>What is used of the daemon's limits.</summary>
static class LimitsVerb
{
    public static readonly VerbRow Row = new("limits", "Show what is used of the daemon's limits.", RunAsync)
    {
        Details = ["The limits of a user are those of the user who asks. With -o json: what query-memdev-limits returns."],
    };

    static async Task<int> RunAsync(Invocation call)
    {
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        if (call.Form == OutputForm.Json)
            call.Json(await client.ExecuteAsync("query-memdev-limits", Members.None).ConfigureAwait(false));
        else
            call.List(Columns(call), await client.QueryLimitsAsync().ConfigureAwait(false), l => l.Name);
        return ExitStatus.Done;
    }

    static IReadOnlyList<Column<MemdevLimit>> Columns(Invocation call)
    {
        return
        [
            new("LIMIT", l => l.Name),
            new("USED", l => Amount(l, l.Used)) { IsNumber = true },
            new("OF", l => l.Max is { } max ? Amount(l, max) : "-") { IsNumber = true },
            new("USE", l => l.Max is { } max ? $"{Sizes.Percent(l.Used, max)}%" : "-") { IsNumber = true },
        ];

        string Amount(MemdevLimit limit, ulong amount) => limit.Name.Contains("Bytes", StringComparison.Ordinal)
            ? call.Size(amount) : amount.ToString(CultureInfo.InvariantCulture);
    }
}
