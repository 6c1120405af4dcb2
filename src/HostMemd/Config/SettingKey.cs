namespace HostMemd.Config;

/// <summary>A key of the configuration file, as the sample file and the manual describe it.</summary>
abstract record SettingKey
{
    /// <summary>The names from the root on: <c>Machine.Smp</c>.</summary>
    public required string Path { get; init; }

    /// <summary>Which values it takes, in a few words: <c>true or false</c>.</summary>
    public required string Form { get; init; }

    /// <summary>The default, as JSON; null where the file cannot write it, <see cref="DefaultText"/> then says what holds.</summary>
    public string? Default { get; init; }

    /// <summary>What holds without the key, in words, where there is no <see cref="Default"/>.</summary>
    public string? DefaultText { get; init; }

    /// <summary>A value that is accepted, as JSON, other than the default; a test reads it.</summary>
    public required string Example { get; init; }

    /// <summary>Whole sentences for the manual and the sample file, in Markdown.</summary>
    public required string Doc { get; init; }

    /// <summary>Whether SIGHUP takes a new value over.</summary>
    public bool Reloads { get; init; }

    /// <summary>Whether the section cannot be without the key.</summary>
    public bool IsRequired { get; init; }

    /// <summary>The keys of an entry, where the value is a list of objects.</summary>
    public IReadOnlyList<SettingKey> Members { get; init; } = [];

    /// <summary>The last name of the path.</summary>
    public string Name => Path[(Path.LastIndexOf('.') + 1)..];

    /// <summary>The path of the section that has the key: empty, or <c>Machine</c>.</summary>
    public string Section => Path.Contains('.', StringComparison.Ordinal) ? Path[..Path.LastIndexOf('.')] : "";
}

/// <summary>A key of the configuration file that writes into a <typeparamref name="T"/>.</summary>
sealed record SettingKey<T> : SettingKey
{
    /// <summary>
    /// Returns the options with the value of the key; as they are when the section has no such key. Throws <see cref="StartException"/>
    /// for a wrong value.
    /// </summary>
    public required Func<T, ConfigSection, string, T> Read { get; init; }
}
