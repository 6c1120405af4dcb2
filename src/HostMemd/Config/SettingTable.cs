namespace HostMemd.Config;

/// <summary>
/// The keys of the configuration file: those of the options, the limits, and what only the file has. The file is read, and the sample and
/// the manual are written, from here.
/// </summary>
static class SettingTable
{
    /// <summary>All keys, in the order of the sample file.</summary>
    public static IReadOnlyList<SettingKey<HostMemdOptions>> All { get; } =
    [
        .. OptionTable.All.SelectMany(option => option.Keys),
        .. LimitTable.All.Select(limit => limit.ToKey()),
        .. AccessKeys.All.Select(key => key.In(options => options.Access, (options, access) => options with { Access = access })),
        .. LogKeys.All.Select(key => key.In(options => options.Log, (options, log) => options with { Log = log })),
    ];

    /// <summary>What is to be said of a section as a whole.</summary>
    public static IReadOnlyList<SettingSection> Sections { get; } =
    [
        new("Machine", "What QEMU's machine would supply."),
        new(LimitRow.Section, "How much clients may have. Numbers, sizes also as `\"16G\"`. 0 is no limit where 0 is allowed."),
        new("Access", "Which clients may do what. Users and groups by number or name."),
        new("Serilog", "What is logged, and where besides stderr."),
        new("Serilog.MinimumLevel", "Verbose, Debug, Information, Warning, Error or Fatal, and what is more important."),
        new("Serilog.File", "A log file besides stderr."),
        new("Serilog.Audit", "A file of its own for who changed what, one line each."),
    ];
}
