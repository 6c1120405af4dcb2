namespace HostMemd.Config;

/// <summary>
/// An option of the command line, with the keys that have the same effect in the configuration file. Parsing, <c>--help</c> and the
/// manual read the row.
/// </summary>
sealed record OptionRow
{
    /// <summary>Without the hyphens.</summary>
    public required string Name { get; init; }

    /// <summary>The short form; NUL for none.</summary>
    public char Letter { get; init; }

    /// <summary>The synopsis of the argument; null for an option without one.</summary>
    public string? Argument { get; init; }

    /// <summary>Whether each further use adds to the ones before. Of an option that is not repeatable the last use stays.</summary>
    public bool IsRepeatable { get; init; }

    /// <summary>The lines of <c>--help</c>.</summary>
    public required IReadOnlyList<string> Help { get; init; }

    /// <summary>Whole sentences for the manual, in Markdown.</summary>
    public required string Doc { get; init; }

    /// <summary>What holds without the option, in Markdown; null where the keys have the defaults, or where nothing happens.</summary>
    public string? Default { get; init; }

    /// <summary>An argument that is accepted; a test parses it. Null for an option without an argument.</summary>
    public string? Example { get; init; }

    /// <summary>Writes the argument into the options. Throws <see cref="StartException"/> for an argument that is refused.</summary>
    public required Func<HostMemdOptions, string, HostMemdOptions> Take { get; init; }

    /// <summary>
    /// Drops what the configuration file says, where the command line does not add to it but replaces it. Applied before all options.
    /// </summary>
    public Func<HostMemdOptions, HostMemdOptions>? Drop { get; init; }

    /// <summary>The keys of the configuration file that do the same.</summary>
    public IReadOnlyList<SettingKey<HostMemdOptions>> Keys { get; init; } = [];

    /// <summary>The option as a user types it: <c>-h, --help</c>, <c>--smp N</c>.</summary>
    public string Synopsis => $"{(Letter == '\0' ? "" : $"-{Letter}, ")}--{Name}{(Argument is null ? "" : " " + Argument)}";
}
