using Serilog.Core;
using Serilog.Events;

namespace HostMemd.Logging;

/// <summary>Decides by area which events are logged. An area is the beginning of a category, up to a dot.</summary>
sealed class LevelFilter : ILogEventFilter
{
    sealed record Levels(LogEventLevel Default, IReadOnlyDictionary<string, LogEventLevel> Areas);

    volatile Levels _levels = new(LogEventLevel.Information, new Dictionary<string, LogEventLevel>());

    /// <summary>Takes over other levels, at any time and from any thread.</summary>
    /// <param name="least">The least important level outside of all areas.</param>
    /// <param name="areas">The least important level of each area.</param>
    public void Change(LogEventLevel least, IReadOnlyDictionary<string, LogEventLevel> areas) => _levels = new(least, areas);

    public bool IsEnabled(LogEvent logEvent)
    {
        var levels = _levels;
        return logEvent.Level >= (logEvent.Properties.TryGetValue(Constants.SourceContextPropertyName, out var context)
            && context is ScalarValue { Value: string category } ? LeastOf(levels, category) : levels.Default);
    }

    // Of several areas that fit, the longest name decides.
    static LogEventLevel LeastOf(Levels levels, string category)
    {
        var (decides, length) = (levels.Default, -1);
        foreach (var (area, least) in levels.Areas)
        {
            if (area.Length > length && category.StartsWith(area, StringComparison.Ordinal)
                && (category.Length == area.Length || category[area.Length] == '.'))
                (decides, length) = (least, area.Length);
        }
        return decides;
    }
}
