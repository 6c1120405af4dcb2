using System.Globalization;
using System.Text;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Start;

// The options. An option is a row here and a row in docs.
sealed partial class CommandLine
{
    static readonly OptionRow[] s_rows =
    [
        new("qmp", '\0', "unix:PATH[,server=on][,wait=off][,abstract=on[,tight=off]]",
            ["serve QMP on that socket; repeatable", "unix:@NAME: an abstract socket, which is no file"], (line, text) => line.AddQmp(text)),
        new("chardev", '\0', "socket,id=ID,path=PATH,server=on,wait=off", ["name a socket for --monitor"],
            (line, text) => line.AddChardev(text)),
        new("monitor", '\0', "chardev=ID[,mode=control][,pretty=on|off]", ["serve QMP on the socket of that name"],
            (line, text) => line.AddMonitor(text)),
        new("object", '\0', "TYPE,id=ID[,KEY=VALUE]...",
            ["make an object at start; JSON is taken as well", "help: list the types; TYPE,help: list its properties"],
            (line, text) => line.AddObject(text)),
        new("global", '\0', "TYPE.PROPERTY=VALUE", ["default of a property for all objects of TYPE", "and of the types derived from it"],
            (line, text) => line._globals.Add(ReadGlobal(text))),
        new("machine", '\0', "mem-merge=on|off,dump-guest-core=on|off", ["initial 'merge' and 'dump' of memory backends"],
            (line, text) => line.SetMachine(text)),
        new("smp", '\0', "N", ["initial 'prealloc-threads' (default: online CPUs)"], (line, text) => line._cpus = ReadCpus(text)),
        new("mem-prealloc", '\0', null, ["preallocate every memory backend"], (line, _) => line._memPrealloc = true),
        new("config", '\0', "FILE",
            [$"read settings from FILE (default: {ConfigFile.DefaultPath},", "if it is there); the command line wins"],
            (line, text) => line.ConfigPath = ToPath(text)),
        new("pidfile", '\0', "PATH", ["write the process id to PATH"], (line, text) => line._pidFile = ToPath(text)),
        new("daemonize", '\0', null, ["go to the background once clients are served"], (line, _) => line._daemonize = true),
        new("takeover", '\0', null, ["take everything over from the daemon that serves the same socket, and let it leave"],
            (line, _) => line._takeover = true),
        new("version", 'V', null, ["show the version and exit"], (line, _) => line.Answer = () => $"hostmemd version {VersionInfo.Own}\n"),
        new("help", 'h', null, ["show this and exit"], (line, _) => line.Answer = Help),
    ];

    void AddQmp(string text)
    {
        _sockets.Add(SocketText.ReadQmp(text));
        WarnOfFlags("--qmp", OptsText.Split(text, "path"));
    }

    void AddChardev(string text)
    {
        var (id, socket) = SocketText.ReadChardev(text);
        if (!_chardevs.TryAdd(id, socket))
            throw new StartException($"Duplicate ID '{id}' for chardev");
        WarnOfFlags("--chardev", OptsText.Split(text, "backend"));
    }

    void AddMonitor(string text)
    {
        var (chardev, pretty) = SocketText.ReadMonitor(text);
        if (!_chardevs.TryGetValue(chardev, out var socket))
            throw new StartException($"chardev \"{chardev}\" not found");
        if (!_monitored.Add(chardev))
            throw new StartException($"Device '{chardev}' is in use");
        _sockets.Add(socket with { Pretty = pretty });
    }

    void AddObject(string text)
    {
        if (text.StartsWith('{'))
        {
            _objects.Add(new($"--object {text}", null, JsonInput.Read(Encoding.UTF8.GetBytes(text))));
            return;
        }
        var opts = OptsText.Split(text, "qom-type");
        var type = OptsText.Last(opts, "qom-type") ?? throw new StartException("Parameter 'qom-type' is missing");
        if (OptsText.IsHelp(type))
            Answer = () => ObjectHelp.Types(BackendTypes.All);
        else if (OptsText.AsksForHelp(opts))
            Answer = () => HelpOn(type);
        WarnOfFlags("--object", opts);
        _objects.Add(new($"--object {text}", text, Value.Null));
    }

    static string HelpOn(string type) => BackendTypes.All.Creatable.FirstOrDefault(c => c.Name == type) is { } known
        ? ObjectHelp.Properties(known)
        : throw new StartException($"--object {type},help: {QmpErrors.DoesNotAcceptValue("qom-type", type).Message}");


    void WarnOfFlags(string option, IEnumerable<OptText> opts)
    {
        foreach (var opt in opts.Where(o => o.Flag))
            _warnings.Add($"{option}: the short form of '{opt.Key}' is deprecated, write {opt.Key}={opt.Text}");
    }

    /// <summary><c>TYPE.PROPERTY=VALUE</c>; whether there are such is checked when the types are known.</summary>
    public static GlobalProperty ReadGlobal(string text)
    {
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (dot <= 0 || equals <= dot + 1)
            throw new StartException("not of the form TYPE.PROPERTY=VALUE");
        return new(text[..dot], text[(dot + 1)..equals], text[(equals + 1)..]);
    }

    void SetMachine(string text)
    {
        var opts = OptsText.Split(text, null);
        foreach (var opt in opts)
        {
            if (opt.Key is not ("mem-merge" or "dump-guest-core"))
                throw new StartException(QmpErrors.InvalidParameter(opt.Key).Message);
        }
        _memMerge = SocketText.ReadFlag(opts, "mem-merge") ?? _memMerge;
        _dumpGuestCore = SocketText.ReadFlag(opts, "dump-guest-core") ?? _dumpGuestCore;
        WarnOfFlags("--machine", opts);
    }

    static uint ReadCpus(string text)
    {
        // QEMU writes "N" or "cpus=N".
        var digits = text.StartsWith("cpus=", StringComparison.Ordinal) ? text[5..] : text;
        return uint.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var cpus) && cpus is > 0 and <= MaxCpus
            ? cpus
            : throw new StartException($"Parameter 'cpus' expects a number from 1 to {MaxCpus}");
    }

    /// <summary>More than Linux runs on (CONFIG_NR_CPUS is at most 8192).</summary>
    public const int MaxCpus = 65536;

    // The daemon leaves the directory it was started in, and reads and removes these files later.
    static string ToPath(string text) =>
        text.Length > 0 && !text.Contains('\0') ? ArgumentBytes.FullPath(text) : throw new StartException("not a file name");

    static string Help()
    {
        var text = new StringBuilder("Usage: hostmemd [OPTION]...\nOwns guest memory and speaks QMP about it.\n\n");
        foreach (var row in s_rows)
        {
            var letter = row.Letter == '\0' ? "" : $"-{row.Letter}, ";
            text.Append($"  {letter}--{row.Name}{(row.Argument is null ? "" : " " + row.Argument)}\n");
            foreach (var words in row.Help)
                text.Append($"        {words}\n");
        }
        return text.Append("\nReport and manual: see README.md. Without --qmp, --monitor or a passed socket the daemon serves\n")
            .Append("$RUNTIME_DIRECTORY/qmp.sock, /run/hostmemd/qmp.sock (root) or $XDG_RUNTIME_DIR/hostmemd/qmp.sock.\n").ToString();
    }
}
