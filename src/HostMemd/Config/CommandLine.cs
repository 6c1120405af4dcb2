using HostMemd.Backend.Memory;
using HostMemd.Start;

namespace HostMemd.Config;

/// <summary>
/// The command line, read. Options come in <c>--name value</c> and <c>--name=value</c>, names may be cut short as long as they are
/// unambiguous, as in getopt_long(3), which QEMU's tools use.
/// </summary>
sealed partial class CommandLine
{
    readonly List<SocketOptions> _sockets = [];
    readonly Dictionary<string, SocketOptions> _chardevs = new(StringComparer.Ordinal);
    readonly HashSet<string> _monitored = new(StringComparer.Ordinal);
    readonly List<ConfiguredObject> _objects = [];
    readonly List<GlobalProperty> _globals = [];
    readonly List<string> _warnings = [];
    bool? _memMerge;
    bool? _dumpGuestCore;
    uint? _cpus;
    bool _memPrealloc;
    bool _daemonize;
    bool _takeover;
    string? _pidFile;

    /// <summary>The file named by <c>--config</c>, absolute, or null.</summary>
    public string? ConfigPath { get; private set; }

    /// <summary>Set when the user asked for a text instead of a daemon.</summary>
    public Func<string>? Answer { get; private set; }

    /// <exception cref="StartException">The line is not one we take.</exception>
    public static CommandLine Parse(IReadOnlyList<string> args)
    {
        var line = new CommandLine();
        foreach (var (row, argument) in Split(args))
        {
            try
            {
                row.Take(line, argument);
            }
            catch (StartException wrong)
            {
                throw new StartException($"--{row.Name} {argument}: {wrong.Message}");
            }
            if (line.Answer is not null)
                return line;
        }
        foreach (var (id, socket) in line._chardevs)
        {
            if (!line._monitored.Contains(id))
                throw new StartException($"--chardev socket,id={id},path={socket.Path}: no --monitor uses it");
        }
        return line;
    }

    /// <summary>The configuration file's settings with the command line's on top.</summary>
    public HostMemdOptions ApplyTo(HostMemdOptions file) => file with
    {
        Sockets = _sockets.Count > 0 ? _sockets : file.Sockets,
        Objects = [.. file.Objects, .. _objects],
        Machine = file.Machine with
        {
            MemMerge = _memMerge ?? file.Machine.MemMerge,
            DumpGuestCore = _dumpGuestCore ?? file.Machine.DumpGuestCore,
            Cpus = _cpus ?? file.Machine.Cpus,
            MemPrealloc = _memPrealloc || file.Machine.MemPrealloc,
            // Applied in order, so of two for one property the command line's is the one that stays.
            Globals = [.. file.Machine.Globals, .. _globals],
        },
        PidFile = _pidFile ?? file.PidFile,
        Daemonize = _daemonize || file.Daemonize,
        Takeover = _takeover ? "" : null,
        Warnings = [.. file.Warnings, .. _warnings],
    };

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
        if (Array.Find(s_rows, r => r.Name == name) is { } exact)
            return exact;
        var candidates = name.Length == 0 ? [] : Array.FindAll(s_rows, r => r.Name.StartsWith(name, StringComparison.Ordinal));
        return candidates.Length switch
        {
            0 => throw new StartException($"unrecognized option '--{name}'"),
            1 => candidates[0],
            _ => throw new StartException(
                $"option '--{name}' is ambiguous; possibilities: {string.Join(' ', candidates.Select(r => $"'--{r.Name}'"))}"),
        };
    }

    static OptionRow FindLetter(char letter) =>
        Array.Find(s_rows, r => r.Letter == letter) ?? throw new StartException($"invalid option -- '{letter}'");
}
