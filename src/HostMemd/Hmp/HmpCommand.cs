namespace HostMemd.Hmp;

/// <summary>How an argument is read from the line.</summary>
enum ArgumentForm
{
    /// <summary>A word or a quoted string.</summary>
    Word,

    /// <summary>The rest of the line, unchanged.</summary>
    Rest,

    /// <summary>A letter behind a dash. It is always optional.</summary>
    Flag,
}

/// <param name="Name">The name that the handler uses; for a flag its letter.</param>
/// <param name="Form">How it is read.</param>
/// <param name="Optional">The argument may be missing at the end of the line.</param>
sealed record HmpArgument(string Name, ArgumentForm Form, bool Optional = false);

/// <summary>One row of the monitor's table, which parsing, <c>help</c> and <c>info</c> read.</summary>
/// <param name="Name">The name, with <c>|</c> before a second one; error texts show both.</param>
/// <param name="Arguments">In the order of the line.</param>
/// <param name="Parameters">The arguments as <c>help</c> prints them.</param>
/// <param name="Help">One sentence, QEMU's where QEMU has the command.</param>
/// <param name="Run">Runs the command. An error that it throws is printed behind its output.</param>
sealed record HmpCommand(
    string Name, IReadOnlyList<HmpArgument> Arguments, string Parameters, string Help, Func<HmpCall, ValueTask> Run)
{
    readonly string[] _names = Name.Split('|');

    /// <summary>The commands that the next word selects. Without a next word this row itself runs.</summary>
    public IReadOnlyList<HmpCommand>? Subcommands { get; init; }

    public bool IsCalled(string name) => _names.Contains(name);
}
