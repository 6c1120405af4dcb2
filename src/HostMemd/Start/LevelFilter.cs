using Serilog.Core;
using Serilog.Events;

namespace HostMemd.Start;

/// <summary>Levels by area, changeable at any time. An area is the beginning of a category, up to a dot.</summary>
sealed class LevelFilter : ILogEventFilter
{
    sealed record Levels(LogEventLevel Default, IReadOnlyList<KeyValuePair<string, LogEventLevel>> Areas);

    volatile Levels _levels = new(LogEventLevel.Information, []);

    public void Change(LogEventLevel least, IReadOnlyDictionary<string, LogEventLevel> areas) =>
        // The longest name that fits decides.
        _levels = new(least, [.. areas.OrderByDescending(a => a.Key.Length)]);

    public bool IsEnabled(LogEvent logEvent)
    {
        var levels = _levels;
        if (logEvent.Properties.TryGetValue(Constants.SourceContextPropertyName, out var context)
            && context is ScalarValue { Value: string category })
        {
            foreach (var (area, least) in levels.Areas)
            {
                if (category.StartsWith(area, StringComparison.Ordinal) && (category.Length == area.Length || category[area.Length] == '.'))
                    return logEvent.Level >= least;
            }
        }
        return logEvent.Level >= levels.Default;
    }
}
