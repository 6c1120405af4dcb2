using System.Globalization;
using HostMemd.Qapi;

namespace HostMemd.Config;

/// <summary>
/// A limit. The configuration file, the errors of refusals, <c>query-memdev-limits</c>, the sample file, <c>--help</c> and the manual read
/// the row; beside it there is only the part of the daemon that keeps to the limit.
/// </summary>
/// <param name="Name">In the section <c>Limits</c>, in errors and in <c>query-memdev-limits</c>.</param>
/// <param name="Unit">What is counted.</param>
/// <param name="Default">What holds without the setting; 0: no limit.</param>
/// <param name="Least">The least value that is accepted. Where it is not 0, it is what the daemon needs to answer at all.</param>
/// <param name="Most">The greatest value that is accepted.</param>
sealed record LimitRow(string Name, LimitUnit Unit, ulong Default, ulong Least, ulong Most)
{
    /// <summary>The section of the configuration file that has the limits.</summary>
    public const string Section = "Limits";

    /// <summary>What is counted, and what happens at the limit: whole sentences for the manual, in Markdown.</summary>
    public required string Doc { get; init; }

    /// <summary>The reason for the default and the bounds: a whole sentence for the manual, in Markdown.</summary>
    public required string Why { get; init; }

    /// <summary>Reads how much is used now, for <c>query-memdev-limits</c>. Called with the state held.</summary>
    public required Func<LimitUse, ulong> Used { get; init; }

    /// <summary>Writes the limit into the part of the daemon that keeps to it. Called with the state held.</summary>
    public required Action<LimitTargets, Limit> Apply { get; init; }

    /// <summary>What a configured value comes to on this machine.</summary>
    public Func<ulong, ulong> Effective { get; init; } = configured => configured;

    /// <summary>The default as the configuration file writes it.</summary>
    public string DefaultText =>
        Unit == LimitUnit.Bytes && Default > 0 ? $"\"{Short(Default)}\"" : Default.ToString(CultureInfo.InvariantCulture);

    /// <summary>The values that are accepted, for people.</summary>
    public string Range => (Least, Most) switch
    {
        (0, ulong.MaxValue) => Unit == LimitUnit.Bytes ? "size" : "number",
        (_, ulong.MaxValue) => $"from {Short(Least)}",
        _ => $"{Short(Least)} to {Short(Most)}",
    };

    /// <summary>The key of the configuration file.</summary>
    public SettingKey<HostMemdOptions> ToKey() => new()
    {
        Path = $"{Section}.{Name}",
        Form = Range,
        Default = DefaultText,
        Example = Math.Clamp(Default * 2, Math.Max(Least, 64), Most).ToString(CultureInfo.InvariantCulture),
        Doc = Doc,
        Reloads = true,
        Read = (options, section, name) =>
            section.Number(name, Least, Most) is { } value ? options with { Limits = options.Limits.With(Name, value) } : options,
    };

    // Powers of 1024 have a suffix where the unit is bytes.
    string Short(ulong value)
    {
        const string Suffixes = "KMGTPE";
        var suffix = -1;
        while (Unit == LimitUnit.Bytes && value > 0 && value % 1024 == 0)
            (value, suffix) = (value / 1024, suffix + 1);
        return value.ToString(CultureInfo.InvariantCulture) + (suffix < 0 ? "" : Suffixes[suffix]);
    }
}
