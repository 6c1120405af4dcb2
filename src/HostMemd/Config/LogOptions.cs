using Serilog.Events;

namespace HostMemd.Config;

/// <summary>What is logged and where besides stderr. Section <c>Serilog</c> of the configuration file.</summary>
public sealed record LogOptions
{
    /// <summary><c>MinimumLevel.Default</c>. Information is start, stop and the coming and going of objects.</summary>
    public LogEventLevel Default { get; init; } = LogEventLevel.Information;

    /// <summary><c>MinimumLevel.Override</c>: areas, such as <c>HostMemd.Protocol</c>, and their levels.</summary>
    public IReadOnlyDictionary<string, LogEventLevel> Areas { get; init; } = new Dictionary<string, LogEventLevel>(StringComparer.Ordinal);

    /// <summary><c>File.Path</c>, absolute; null for none.</summary>
    public string? File { get; init; }

    /// <summary><c>File.Bytes</c>: at this size the file is put aside and the next one begun; four are kept. 16 MiB are weeks.</summary>
    public long FileBytes { get; init; } = 16 << 20;

    /// <summary><c>Audit.Path</c>, absolute: a file of its own for who changed what; null for none.</summary>
    public string? Audit { get; init; }

    /// <summary><c>Audit.Bytes</c>, as <see cref="FileBytes"/>.</summary>
    public long AuditBytes { get; init; } = 16 << 20;

    internal static LogOptions Read(ConfigSection section)
    {
        var log = new LogOptions();
        if (section.Sub("MinimumLevel") is { } levels)
        {
            var areas = new Dictionary<string, LogEventLevel>(StringComparer.Ordinal);
            if (levels.Sub("Override") is { } overrides)
            {
                foreach (var area in overrides.Names)
                    areas[area] = Level(overrides, area) ?? log.Default;
            }
            log = log with { Default = Level(levels, "Default") ?? log.Default, Areas = areas };
            levels.NoMore();
        }
        if (section.Sub("File") is { } file)
        {
            log = log with
            {
                File = Path.GetFullPath(file.Text("Path") ?? throw file.Wrong("Path", "is missing")),
                FileBytes = (long?)file.Number("Bytes", 4096, 1UL << 40) ?? log.FileBytes,
            };
            file.NoMore();
        }
        if (section.Sub("Audit") is { } audit)
        {
            log = log with
            {
                Audit = Path.GetFullPath(audit.Text("Path") ?? throw audit.Wrong("Path", "is missing")),
                AuditBytes = (long?)audit.Number("Bytes", 4096, 1UL << 40) ?? log.AuditBytes,
            };
            audit.NoMore();
        }
        return log;
    }

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
