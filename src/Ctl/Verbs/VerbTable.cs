using HostMemd.Ctl.Line;

namespace HostMemd.Ctl.Verbs;

/// <summary>All verbs, in the order of the help.</summary>
static class VerbTable
{
    public static IReadOnlyList<VerbRow> All { get; } =
    [
        ListVerb.Row, ShowVerb.Row, AddVerb.Row, RemoveVerb.Row, PropertyVerbs.Get, PropertyVerbs.Set,
        FillVerb.Row, JobVerbs.List, JobVerbs.Cancel, JobVerbs.Pause, JobVerbs.Resume, JobVerbs.Dismiss,
        WhoVerb.Row, RunVerb.Row, LeaseVerbs.Map, LeaseVerbs.Unmap,
        StatsVerb.Row, TopVerb.Row, LimitsVerb.Row, WatchVerb.Row,
        QmpVerb.Row, SchemaVerb.Row, VersionVerb.Row, QuitVerb.Row, CompletionVerb.Row, BridgeVerb.Row,
    ];

    public static IEnumerable<VerbRow> Shown => All.Where(v => !v.IsHidden);

    /// <summary>Stands for a word that is none: it takes nothing.</summary>
    public static VerbRow Unknown { get; } = new("", "", _ => throw new InvalidOperationException("no verb"));
}
