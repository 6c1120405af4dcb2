namespace HostMemd.Hmp;

/// <summary>How an argument is read from the line.</summary>
enum ArgumentForm
{
    /// <summary>A word or a quoted string.</summary>
    Word,

    /// <summary>All that is left of the line, as it stands.</summary>
    Rest,

    /// <summary>A letter behind a dash; never required.</summary>
    Flag,
}

/// <param name="Name">How the handler asks for it; for a flag its letter.</param>
/// <param name="Form">How it is read.</param>
/// <param name="Optional">May be left out if nothing follows it.</param>
sealed record HmpArgument(string Name, ArgumentForm Form, bool Optional = false);

/// <summary>One row of the monitor's table. Parsing, <c>help</c> and <c>info</c> are read off it.</summary>
/// <param name="Name">The name, with <c>|</c> before a second one; error texts show both.</param>
/// <param name="Arguments">In the order of the line.</param>
/// <param name="Parameters">The arguments as <c>help</c> shows them.</param>
/// <param name="Help">One sentence, QEMU's where QEMU has the command.</param>
/// <param name="Run">What it does; an error that it throws is printed behind what it has printed.</param>
sealed record HmpCommand(
    string Name, IReadOnlyList<HmpArgument> Arguments, string Parameters, string Help, Func<HmpCall, ValueTask> Run)
{
    readonly string[] _names = Name.Split('|');

    /// <summary>The commands of which the next word names one; without a next word this row itself runs.</summary>
    public IReadOnlyList<HmpCommand>? Subcommands { get; init; }

    public bool IsCalled(string name) => _names.Contains(name);
}
