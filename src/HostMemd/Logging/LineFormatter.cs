using System.Globalization;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Display;

namespace HostMemd.Logging;

/// <summary>
/// Writes an event as one line: <c>YYYY-MM-DD HH:MM:SS.mmm INF text</c>, or for the journal, which keeps time and level itself,
/// <c>&lt;6&gt;text</c> (sd-daemon(3)). No text of a client can begin a line of its own.
/// </summary>
/// <param name="journal">Whether the journal reads the lines.</param>
sealed class LineFormatter(bool journal) : ITextFormatter
{
    readonly MessageTemplateTextFormatter _message = new("{Message:lj}", CultureInfo.InvariantCulture);

    public void Format(LogEvent logEvent, TextWriter output)
    {
        if (journal)
            output.Write(string.Create(CultureInfo.InvariantCulture, $"<{Priority(logEvent.Level)}>"));
        else
            output.Write(string.Create(CultureInfo.InvariantCulture,
                $"{logEvent.Timestamp:yyyy-MM-dd HH:mm:ss.fff} {Short(logEvent.Level)} "));
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        _message.Format(logEvent, text);
        if (logEvent.Exception is { } bug)
            text.Write(": " + bug);
        foreach (var c in text.ToString().ReplaceLineEndings(" | "))
            output.Write(char.IsControl(c) ? '?' : c);
        output.Write('\n');
    }

    // syslog(3).
    static int Priority(LogEventLevel level) => level switch
    {
        LogEventLevel.Fatal => 2,
        LogEventLevel.Error => 3,
        LogEventLevel.Warning => 4,
        LogEventLevel.Information => 6,
        _ => 7,
    };

    static string Short(LogEventLevel level) => level switch
    {
        LogEventLevel.Fatal => "FTL",
        LogEventLevel.Error => "ERR",
        LogEventLevel.Warning => "WRN",
        LogEventLevel.Information => "INF",
        LogEventLevel.Debug => "DBG",
        _ => "VRB",
    };
}
