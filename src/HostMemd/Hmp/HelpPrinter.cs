namespace HostMemd.Hmp;

/// <summary>The output of <c>help</c>: all rows, the rows below <c>info</c>, or one.</summary>
static class HelpPrinter
{
    // QEMU: MAX_ARGS.
    const int MaxWords = 16;

    /// <param name="table">The rows, sorted.</param>
    /// <param name="topic">The words behind <c>help</c>. Nothing is printed for words that cannot be read, or too many.</param>
    /// <param name="call">Receives the output.</param>
    public static void Print(IReadOnlyList<HmpCommand> table, string topic, HmpCall call)
    {
        var words = new List<string>();
        var line = new CommandLineReader(topic);
        for (line.SkipBlanks(); !line.IsAtEnd; line.SkipBlanks())
        {
            if (words.Count == MaxWords || !line.TryReadWord(out var word))
                return;
            words.Add(word);
        }
        Print(table, words, 0, call);
    }

    static void Print(IReadOnlyList<HmpCommand> table, List<string> words, int depth, HmpCall call)
    {
        var prefix = string.Concat(words.Take(depth).Select(w => w + " "));
        if (depth == words.Count)
        {
            foreach (var row in table)
                Print(row, prefix, call);
            return;
        }
        // Words behind a command without subcommands are ignored.
        if (table.FirstOrDefault(c => c.IsCalled(words[depth])) is not { } command)
            call.Print($"unknown command: '{string.Join(' ', words.Take(depth + 1))}'\n");
        else if (command.Subcommands is { } below)
            Print(below, words, depth + 1, call);
        else
            Print(command, prefix, call);
    }

    static void Print(HmpCommand command, string prefix, HmpCall call) =>
        call.Print($"{prefix}{command.Name} {command.Parameters} -- {command.Help}\n");
}
