namespace HostMemd.Config;

/// <summary>One option of the command line. Parsing and <c>--help</c> are read off the rows.</summary>
/// <param name="Name">Without the hyphens.</param>
/// <param name="Letter">The short form, or NUL for none.</param>
/// <param name="Argument">How the help writes the argument; null for an option without one.</param>
/// <param name="Help">A few words; further lines follow below.</param>
/// <param name="Take">What the option does with its argument.</param>
sealed record OptionRow(string Name, char Letter, string? Argument, string[] Help, Action<CommandLine, string> Take);
