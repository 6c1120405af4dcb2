using HostMemd.Ctl.Completion;

namespace HostMemd.Ctl.Line;

/// <summary>The options of every verb. They may stand before the verb or behind it.</summary>
static class GlobalOptions
{
    public static readonly OptionRow Socket = new("socket", 's', "PATH", "The daemon's QMP socket.", Sources.Files);
    public static readonly OptionRow Host = new("host", 'H', "[USER@]HOST", "Use the daemon of that host, through ssh.");
    public static readonly OptionRow Output = new("output", 'o', "FORM", "How to print: table, wide, json or id.",
        Sources.Of("table", "wide", "json", "id"));
    public static readonly OptionRow Bytes = new("bytes", 'b', null, "Print sizes in bytes.");
    public static readonly OptionRow NoLegend = new("no-legend", '\0', null, "Print no column headings and no sums.");
    public static readonly OptionRow Quiet = new("quiet", 'q', null, "Print no more than ids, and no messages of success.");
    public static readonly OptionRow Color = new("color", '\0', "WHEN", "Use colours: auto, always or never.",
        Sources.Of("auto", "always", "never"));
    public static readonly OptionRow Help = new("help", 'h', null, "Print the help and exit.");
    public static readonly OptionRow Version = new("version", 'V', null, "Print the version and exit.");

    public static IReadOnlyList<OptionRow> All { get; } = [Socket, Host, Output, Bytes, NoLegend, Quiet, Color, Help, Version];
}
