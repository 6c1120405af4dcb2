namespace HostMemd.Config;

/// <summary>
/// The command line, read. Options come in <c>--name value</c> and <c>--name=value</c>. Names may be cut short as long as they are
/// unambiguous, as in getopt_long(3), which QEMU's tools use.
/// </summary>
sealed class CommandLine
{
    readonly IReadOnlyList<(OptionRow Row, string Argument)> _given;
    readonly HostMemdOptions _alone;

    CommandLine(IReadOnlyList<(OptionRow Row, string Argument)> given, HostMemdOptions alone) => (_given, _alone) = (given, alone);

    /// <summary>The file that <c>--config</c> names, absolute, or null.</summary>
    public string? ConfigPath => _alone.ConfigPath;

    /// <summary>Set when the user asked for a text instead of a daemon.</summary>
    public Func<string>? Answer => _alone.Answer;

    /// <exception cref="StartException">The line is refused; the message names the option.</exception>
    public static CommandLine Parse(IReadOnlyList<string> args)
    {
        var given = Split(args);
        var options = new HostMemdOptions();
        foreach (var (row, argument) in given)
        {
            options = Take(row, argument, options);
            if (options.Answer is not null)
                return new(given, options);
        }
        if (options.Chardevs.FirstOrDefault(c => !c.IsUsed) is { } unused)
            throw new StartException($"--chardev socket,id={unused.Id},path={unused.Socket.Path}: no --monitor uses it");
        return new(given, options);
    }

    /// <summary>Returns the configuration file's settings with the command line's on top.</summary>
    public HostMemdOptions ApplyTo(HostMemdOptions file)
    {
        var options = _given.Aggregate(file, (left, option) => option.Row.Drop?.Invoke(left) ?? left);
        return _given.Aggregate(options, (taken, option) => Take(option.Row, option.Argument, taken));
    }

    static HostMemdOptions Take(OptionRow row, string argument, HostMemdOptions options)
    {
        try
        {
            return row.Take(options, argument);
        }
        catch (StartException wrong)
        {
            throw new StartException($"--{row.Name} {argument}: {wrong.Message}");
        }
    }

    // The whole line is looked at before any option acts.
    static List<(OptionRow Row, string Argument)> Split(IReadOnlyList<string> args)
    {
        var result = new List<(OptionRow, string)>();
        for (var i = 0; i < args.Count; i++)
        {
            var word = args[i];
            if (word == "--" && i + 1 < args.Count)
                throw new StartException($"{args[i + 1]}: Unexpected argument");
            if (word == "--")
                break;
            if (word.StartsWith("--", StringComparison.Ordinal))
            {
                var equals = word.IndexOf('=', StringComparison.Ordinal);
                var name = equals < 0 ? word[2..] : word[2..equals];
                var row = Find(name);
                if (row.Argument is null)
                    result.Add(equals < 0 ? (row, "") : throw new StartException($"option '--{row.Name}' doesn't allow an argument"));
                else if (equals >= 0)
                    result.Add((row, word[(equals + 1)..]));
                else
                    result.Add(++i < args.Count ? (row, args[i]) : throw new StartException($"option '--{row.Name}' requires an argument"));
            }
            else if (word.Length > 1 && word[0] == '-')
                result.AddRange(word.Skip(1).Select(letter => (FindLetter(letter), "")));
            else
                throw new StartException($"{word}: Unexpected argument");
        }
        return result;
    }

    static OptionRow Find(string name)
    {
        if (OptionTable.All.FirstOrDefault(r => r.Name == name) is { } exact)
            return exact;
        var candidates = name.Length == 0 ? [] : OptionTable.All.Where(r => r.Name.StartsWith(name, StringComparison.Ordinal)).ToArray();
        return candidates.Length switch
        {
            0 => throw new StartException($"unrecognized option '--{name}'"),
            1 => candidates[0],
            _ => throw new StartException(
                $"option '--{name}' is ambiguous; possibilities: {string.Join(' ', candidates.Select(r => $"'--{r.Name}'"))}"),
        };
    }

    static OptionRow FindLetter(char letter) =>
        OptionTable.All.FirstOrDefault(r => r.Letter == letter) ?? throw new StartException($"invalid option -- '{letter}'");
}
