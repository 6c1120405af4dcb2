using System.Globalization;
using HostMemd.Backend.Memory;
using HostMemd.Qapi;

namespace HostMemd.Config;

/// <summary>The options of the command line. An option is a row here, beside the member of the options that it writes.</summary>
static partial class OptionTable
{
    /// <summary>More than Linux runs on: CONFIG_NR_CPUS is at most 8192.</summary>
    const int MaxCpus = 65536;

    /// <summary>All options, in the order of <c>--help</c>.</summary>
    public static IReadOnlyList<OptionRow> All { get; } =
    [
        .. SocketProtocol.All.Select(Serve),
        ChardevRow(),
        MonitorRow(),
        ObjectRow(),
        GlobalRow(),
        new()
        {
            Name = "machine",
            Argument = "mem-merge=on|off,dump-guest-core=on|off",
            Help = ["initial 'merge' and 'dump' of memory backends"],
            Doc = "The initial `merge` and `dump` of memory backends.",
            Default = "both on",
            Example = "mem-merge=off,dump-guest-core=on",
            Take = TakeMachine,
            Keys =
            [
                KeyForms.Flag<HostMemdOptions>("Machine.MemMerge", true, "The initial `merge` of every backend.",
                    (options, value) => options with { Machine = options.Machine with { MemMerge = value } }),
                KeyForms.Flag<HostMemdOptions>("Machine.DumpGuestCore", true, "The initial `dump` of every backend.",
                    (options, value) => options with { Machine = options.Machine with { DumpGuestCore = value } }),
            ],
        },
        new()
        {
            Name = "smp",
            Argument = "N",
            Help = ["initial 'prealloc-threads' (default: online CPUs)"],
            Doc = string.Create(CultureInfo.InvariantCulture, $"The initial `prealloc-threads`, 1 to {MaxCpus:N0}."),
            Example = "8",
            Take = (options, text) => options with { Machine = options.Machine with { Cpus = ReadCpus(text) } },
            Keys =
            [
                new()
                {
                    Path = "Machine.Smp",
                    Form = string.Create(CultureInfo.InvariantCulture, $"number, 1 to {MaxCpus}"),
                    DefaultText = "the CPUs that are online",
                    Example = "8",
                    Doc = "The initial `prealloc-threads`.",
                    Read = (options, section, name) => section.Number(name, 1, MaxCpus) is { } cpus
                        ? options with { Machine = options.Machine with { Cpus = (uint)cpus } }
                        : options,
                },
            ],
        },
        new()
        {
            Name = "mem-prealloc",
            Help = ["preallocate every memory backend"],
            Doc = "Fills every memory backend when it is made; setting `prealloc` is refused then.",
            Take = (options, _) => options with { Machine = options.Machine with { MemPrealloc = true } },
            Keys =
            [
                KeyForms.Flag<HostMemdOptions>("Machine.MemPrealloc", false,
                    "Every backend is filled when it is made; setting `prealloc` is refused then.",
                    (options, value) => options with { Machine = options.Machine with { MemPrealloc = value } }),
            ],
        },
        new()
        {
            Name = "config",
            Argument = "FILE",
            Help = [$"read settings from FILE (default: {ConfigFile.DefaultPath},", "if it is there); the command line wins"],
            Doc = "Reads that file. The default file may be missing, a named one may not. What the command line says wins over the file.",
            Default = $"`{ConfigFile.DefaultPath}`",
            Example = ConfigFile.DefaultPath,
            Take = (options, text) => options with { ConfigPath = ToPath(text) },
        },
        new()
        {
            Name = "pidfile",
            Argument = "PATH",
            Help = ["write the process id to PATH"],
            Doc = "Writes the process id to the file, which stays locked (`fcntl`) while the daemon lives: a second daemon with the same "
                + "file does not start. The daemon removes the file when it ends.",
            Example = "/run/hostmemd.pid",
            Take = (options, text) => options with { PidFile = ToPath(text) },
        },
        new()
        {
            Name = "daemonize",
            Help = ["go to the background once clients are served"],
            Doc = "Goes to the background. The command returns when the daemon serves clients (status 0) or the start failed (status 1, "
                + "the reason on stderr). Under systemd it is neither needed nor wanted.",
            Take = (options, _) => options with { Daemonize = true },
        },
        new()
        {
            Name = "takeover",
            Help = ["take everything over from the daemon that serves the same socket, and let it leave"],
            Doc = "Takes everything over from the daemon that serves the same socket: see [upgrade](operations.md#upgrade).",
            Take = (options, _) => options with { Takeover = "" },
        },
        new()
        {
            Name = "version",
            Letter = 'V',
            Help = ["show the version and exit"],
            Doc = "Prints the version.",
            Take = (options, _) => options with { Answer = () => $"hostmemd version {VersionInfo.Own}\n" },
        },
        new()
        {
            Name = "help",
            Letter = 'h',
            Help = ["show this and exit"],
            Doc = "Prints the options and the limits.",
            Take = (options, _) => options with { Answer = HelpText.Write },
        },
    ];

    static HostMemdOptions TakeMachine(HostMemdOptions options, string text)
    {
        var opts = OptsText.Split(text, null);
        foreach (var opt in opts)
        {
            if (opt.Key is not ("mem-merge" or "dump-guest-core"))
                throw new StartException(QmpErrors.InvalidParameter(opt.Key).Message);
        }
        return Warned(options, "--machine", opts) with
        {
            Machine = options.Machine with
            {
                MemMerge = SocketText.ReadFlag(opts, "mem-merge") ?? options.Machine.MemMerge,
                DumpGuestCore = SocketText.ReadFlag(opts, "dump-guest-core") ?? options.Machine.DumpGuestCore,
            },
        };
    }

    static uint ReadCpus(string text)
    {
        // QEMU writes "N" or "cpus=N".
        var digits = text.StartsWith("cpus=", StringComparison.Ordinal) ? text[5..] : text;
        return uint.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var cpus) && cpus is > 0 and <= MaxCpus
            ? cpus
            : throw new StartException($"Parameter 'cpus' expects a number from 1 to {MaxCpus}");
    }

    // The daemon leaves the directory it was started in, and reads and removes these files later.
    static string ToPath(string text) =>
        text.Length > 0 && !text.Contains('\0') ? ArgumentBytes.FullPath(text) : throw new StartException("not a file name");

    static HostMemdOptions Warned(HostMemdOptions options, string option, IEnumerable<OptText> opts) => options with
    {
        Warnings = [.. options.Warnings, .. opts.Where(o => o.Flag)
            .Select(o => $"{option}: the short form of '{o.Key}' is deprecated, write {o.Key}={o.Text}")],
    };
}
