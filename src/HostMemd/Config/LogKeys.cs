using Serilog.Events;

namespace HostMemd.Config;

/// <summary>The keys of the section <c>Serilog</c>.</summary>
static class LogKeys
{
    const ulong LeastBytes = 4096, MostBytes = 1UL << 40;

    public static IReadOnlyList<SettingKey<LogOptions>> All { get; } =
    [
        new()
        {
            Path = "Serilog.MinimumLevel.Default",
            Form = "level",
            Default = "\"Information\"",
            Example = "\"Debug\"",
            Doc = "The least important level that is logged. Information is start, stop and the coming and going of objects.",
            Reloads = true,
            Read = (log, section, name) => Level(section, name) is { } level ? log with { Default = level } : log,
        },
        new()
        {
            Path = "Serilog.MinimumLevel.Override",
            Form = "object of areas and levels",
            Default = "{}",
            Example = "{ \"HostMemd.Protocol\": \"Debug\" }",
            Doc = "Levels of areas, which are the beginnings of categories up to a dot.",
            Reloads = true,
            Read = (log, section, name) => section.Sub(name) is { } areas ? log with { Areas = Areas(areas, log.Default) } : log,
        },
        PathOf("Serilog.File", "/var/log/hostmemd/hostmemd.log", "The log file.", (log, path) => log with { File = path }),
        BytesOf("Serilog.File", (log, bytes) => log with { FileBytes = bytes }),
        PathOf("Serilog.Audit", "/var/log/hostmemd/audit.log", "The audit file.", (log, path) => log with { Audit = path }),
        BytesOf("Serilog.Audit", (log, bytes) => log with { AuditBytes = bytes }),
    ];

    static SettingKey<LogOptions> PathOf(string section, string example, string doc, Func<LogOptions, string, LogOptions> set)
    {
        var key = KeyForms.Text<LogOptions>($"{section}.Path", "path", example, doc, (log, path) => set(log, Path.GetFullPath(path)));
        return key with { IsRequired = true, DefaultText = "required" };
    }

    static SettingKey<LogOptions> BytesOf(string section, Func<LogOptions, long, LogOptions> set) => new()
    {
        Path = $"{section}.Bytes",
        Form = "size, 4K to 1T",
        Default = "\"16M\"",
        Example = "\"64M\"",
        Doc = "At this size the file is put aside and the next one begun; four are kept.",
        Read = (log, file, name) => file.Number(name, LeastBytes, MostBytes) is { } bytes ? set(log, (long)bytes) : log,
    };

    static Dictionary<string, LogEventLevel> Areas(ConfigSection section, LogEventLevel otherwise) =>
        section.Names.ToDictionary(area => area, area => Level(section, area) ?? otherwise, StringComparer.Ordinal);

    static LogEventLevel? Level(ConfigSection section, string name)
    {
        if (section.Text(name) is not { } text)
            return null;
        // Enum.TryParse would take "7" as well.
        return Enum.GetNames<LogEventLevel>().Contains(text, StringComparer.OrdinalIgnoreCase)
            ? Enum.Parse<LogEventLevel>(text, ignoreCase: true)
            : throw section.Wrong(name, $"is '{text}', not one of {string.Join(", ", Enum.GetNames<LogEventLevel>())}");
    }
}
