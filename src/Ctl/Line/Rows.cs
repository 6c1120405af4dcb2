using HostMemd.Ctl.Completion;

namespace HostMemd.Ctl.Line;

/// <summary>Words that could stand at a place of the command line. An empty answer where nothing is known.</summary>
delegate Task<IReadOnlyList<Suggestion>> Source(Completer completer);

/// <summary>A word that a verb takes by its place.</summary>
/// <param name="Name">As the help writes it, such as <c>ID</c>.</param>
/// <param name="Help">One sentence.</param>
/// <param name="Values">What completion offers; null for nothing.</param>
sealed record OperandRow(string Name, string Help, Source? Values = null)
{
    public bool IsOptional { get; init; }

    /// <summary>Takes all words from here on.</summary>
    public bool IsMany { get; init; }

    /// <summary>Stands behind <c>--</c>: another program's command line.</summary>
    public bool IsBehind { get; init; }

    public override string ToString() => (IsOptional, IsMany) switch
    {
        (true, true) => $"[{Name}...]",
        (true, false) => $"[{Name}]",
        (false, true) => IsBehind ? $"-- {Name}..." : $"{Name}...",
        _ => Name,
    };
}

/// <summary>An option.</summary>
/// <param name="Name">Without the hyphens.</param>
/// <param name="Letter">The short form, or NUL for none.</param>
/// <param name="Value">How the help writes its value; null for an option without one.</param>
/// <param name="Help">One sentence.</param>
/// <param name="Values">What completion offers for the value.</param>
sealed record OptionRow(string Name, char Letter, string? Value, string Help, Source? Values = null)
{
    /// <summary>What an option whose value may be left out has when it is.</summary>
    public const string Default = "default";

    /// <summary>The value may be left out; if given it is joined by <c>=</c>.</summary>
    public bool IsValueOptional { get; init; }

    public string Long => "--" + Name;

    public string? Short => Letter == '\0' ? null : "-" + Letter;

    /// <summary>The long form as the help writes it.</summary>
    public string Usage => Value is null ? Long : IsValueOptional ? $"{Long}[={Value}]" : $"{Long} {Value}";
}

/// <summary>A verb: parsing, help, completion and the manual are read from these rows.</summary>
/// <param name="Name">What the user types.</param>
/// <param name="Help">One sentence.</param>
/// <param name="RunAsync">Does it and returns the exit status.</param>
sealed record VerbRow(string Name, string Help, Func<Invocation, Task<int>> RunAsync)
{
    public IReadOnlyList<string> Aliases { get; init; } = [];

    public IReadOnlyList<OperandRow> Operands { get; init; } = [];

    public IReadOnlyList<OptionRow> Options { get; init; } = [];

    /// <summary>Not in the help: other programs use it.</summary>
    public bool IsHidden { get; init; }

    /// <summary>What the manual says beyond the help, a sentence each.</summary>
    public IReadOnlyList<string> Details { get; init; } = [];

    public bool IsCalled(string name) => Name == name || Aliases.Contains(name);

    /// <summary>Its part of the command line: <c>fill ID... [-t N]</c>.</summary>
    public string Usage => string.Join(' ', Options.Select(
        o => $"[{o.Short ?? o.Long}{(o.Value is null ? "" : o.IsValueOptional ? $"[={o.Value}]" : " " + o.Value)}]")
        .Prepend(Name).Concat(Operands.Select(o => o.ToString())));
}
