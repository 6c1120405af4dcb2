using System.CommandLine;
using System.CommandLine.Parsing;
using HostMemd.Ctl.Verbs;

namespace HostMemd.Ctl.Line;

/// <summary>Reads a command line by the rows. The only file that knows System.CommandLine.</summary>
static class Parser
{
    const string Separator = "--";

    /// <exception cref="CtlException">The line is wrong; the text says how.</exception>
    public static ParsedLine Parse(IReadOnlyList<string> line)
    {
        var head = line.TakeWhile(word => word != Separator).ToArray();
        var tail = line.Skip(head.Length + 1).ToArray();
        // Only the verbs that the line may mean: the others are not worth building.
        var verbs = VerbTable.All.Where(v => head.Any(v.IsCalled)).ToArray();
        var root = new RootCommand();
        root.Options.Clear();
        root.Directives.Clear();
        var options = new Dictionary<OptionRow, Option>();
        foreach (var row in GlobalOptions.All)
            root.Add(Add(options, row, verbs.SelectMany(v => v.Options).Any(o => o.Letter == row.Letter), recursive: true));
        var rest = new Argument<string[]>("words") { Arity = ArgumentArity.ZeroOrMore };
        root.Add(rest);
        var operands = new Dictionary<VerbRow, Argument<string[]>>();
        foreach (var verb in verbs)
        {
            var command = new System.CommandLine.Command(verb.Name);
            foreach (var alias in verb.Aliases)
                command.Aliases.Add(alias);
            command.Add(operands[verb] = new("words") { Arity = ArgumentArity.ZeroOrMore });
            foreach (var row in verb.Options)
                command.Add(Add(options, row, withoutLetter: false, recursive: false));
            root.Add(command);
        }
        foreach (var word in head)
            CheckValue(word, options.Keys);
        var parsed = root.Parse([.. head.Select(word => Completed(word, verbs))], new() { ResponseFileTokenReplacer = null });
        var chosen = verbs.FirstOrDefault(v => v.Name == parsed.CommandResult.Command.Name);
        // With a verb that is unknown everything behind it is a word.
        if (chosen is null)
            return WithoutVerb(parsed.GetValue(rest) ?? [], Values(parsed, options));
        var words = parsed.GetValue(operands[chosen]) ?? [];
        if (words.Concat(parsed.UnmatchedTokens).FirstOrDefault(IsOption) is { } unknown)
            throw Mistake.UnknownOption(unknown, chosen, hasTail: tail.Length > 0);
        if (parsed.Errors is [var error, ..])
            throw Wrong(error, options);
        var result = new ParsedLine(chosen, [.. words, .. tail], Values(parsed, options), tail.Length);
        if (!result.Values.ContainsKey(GlobalOptions.Help))
            Mistake.CheckNumber(chosen, result.Words.Count);
        return result;
    }

    /// <summary>The words of a line as a shell would split it.</summary>
    public static IReadOnlyList<string> Split(string line) => [.. CommandLineParser.SplitCommandLine(line)];

    static ParsedLine WithoutVerb(string[] words, Dictionary<OptionRow, string?> values)
    {
        if (words.FirstOrDefault(w => !IsOption(w)) is { } verb)
            throw Mistake.UnknownVerb(verb);
        if (words is [var option, ..])
            throw Mistake.UnknownOption(option, null, hasTail: false);
        return new(null, [], values, 0);
    }

    // The library would take the value for the next word.
    static void CheckValue(string word, IEnumerable<OptionRow> options)
    {
        if (word.Split('=') is [var name, _, ..] && options.Any(o => o.Long == name && o.Value is null))
            throw CtlException.Usage($"option '{name}' takes no value");
    }

    // "-" alone is standard input.
    static bool IsOption(string word) => word.StartsWith('-') && word.Length > 1;

    // An option whose value may be left out would take the next word for it.
    static string Completed(string word, IReadOnlyList<VerbRow> verbs) =>
        verbs.Any(v => v.Options.Any(o => o.IsValueOptional && o.Long == word)) ? $"{word}={OptionRow.Default}" : word;

    static Option Add(Dictionary<OptionRow, Option> options, OptionRow row, bool withoutLetter, bool recursive)
    {
        string[] aliases = row.Short is { } letter && !withoutLetter ? [letter] : [];
        Option made = row.Value is null ? new Option<bool>(row.Long, aliases) { Arity = ArgumentArity.Zero }
            : new Option<string[]>(row.Long, aliases);
        made.Recursive = recursive;
        options.Add(row, made);
        return made;
    }

    static Dictionary<OptionRow, string?> Values(ParseResult parsed, Dictionary<OptionRow, Option> options)
    {
        var values = new Dictionary<OptionRow, string?>();
        foreach (var (row, option) in options)
        {
            if (parsed.GetResult(option) is { Implicit: false } result)
                values.Add(row, row.Value is null ? null : result.Tokens.LastOrDefault()?.Value);
        }
        return values;
    }

    static CtlException Wrong(ParseError error, Dictionary<OptionRow, Option> options)
    {
        if (error.SymbolResult is OptionResult result && options.FirstOrDefault(o => o.Value == result.Option).Key is { } row)
            return CtlException.Usage($"option '{row.Long}' needs a value: {row.Value}");
        return CtlException.Usage(error.Message);
    }
}
