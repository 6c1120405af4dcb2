using Serilog.Events;

namespace HostMemd.Config;

/// <summary>What is logged and where besides stderr. Section <c>Serilog</c> of the configuration file.</summary>
public sealed record LogOptions
{
    /// <summary>The least important level that is logged.</summary>
    public LogEventLevel Default { get; init; } = LogEventLevel.Information;

    /// <summary>Areas, such as <c>HostMemd.Protocol</c>, and their levels.</summary>
    public IReadOnlyDictionary<string, LogEventLevel> Areas { get; init; } = new Dictionary<string, LogEventLevel>(StringComparer.Ordinal);

    /// <summary>The log file, absolute; null for none.</summary>
    public string? File { get; init; }

    /// <summary>At this size the file is put aside and the next one begun; four are kept. 16 MiB are weeks.</summary>
    public long FileBytes { get; init; } = 16 << 20;

    /// <summary>A file of its own for who changed what, absolute; null for none.</summary>
    public string? Audit { get; init; }

    /// <summary>As <see cref="FileBytes"/>.</summary>
    public long AuditBytes { get; init; } = 16 << 20;
}
