using System.Globalization;
using HostMemd.Client;
using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>The daemon's events as they come.</summary>
static class WatchVerb
{
    static readonly string[] s_events =
        ["JOB_STATUS_CHANGE", "MEMDEV_ADDED", "MEMDEV_DELETED", "MEMDEV_MAPPED", "MEMDEV_UNMAPPED", "MEMDEV_PREALLOC_PROGRESS", "SHUTDOWN"];

    static readonly OptionRow s_only = new("only", '\0', "NAME,...", "Only events of these names.", Sources.Of(s_events));

    public static readonly VerbRow Row = new("watch", "Print events as they come.", RunAsync)
    {
        Options = [s_only],
        Details = ["One event a line: the time, the name, and what the event says. With -o json: each event as it came.",
            "Ends with the daemon."],
    };

    static async Task<int> RunAsync(Invocation call)
    {
        var only = call.Value(s_only)?.Split(',', StringSplitOptions.TrimEntries);
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        var events = client.Events();
        await client.WatchAsync(true).ConfigureAwait(false);
        await foreach (var happened in events.ConfigureAwait(false))
        {
            if (only is not null && !only.Contains(happened.Name, StringComparer.OrdinalIgnoreCase))
                continue;
            if (call.Form == OutputForm.Json)
                call.Json(ToValue(happened));
            else
                call.Out.Write(TextTable.Plain(Line(happened)) + "\n");
            await call.Out.FlushAsync().ConfigureAwait(false);
        }
        return ExitStatus.Done;
    }

    static string Line(QmpEvent happened) => string.Join(' ', happened.Data.Select(
        m => $"{m.Key}={new Property(m.Key, "", null).Write(m.Value)}")
        .Prepend(happened.Name).Prepend(happened.Timestamp.ToLocalTime().ToString(
            "yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture)));

    static Value ToValue(QmpEvent happened)
    {
        var ticks = (happened.Timestamp - DateTimeOffset.UnixEpoch).Ticks;
        return Value.Object(("event", Value.From(happened.Name)), ("data", Value.From(happened.Data)), ("timestamp", Value.Object(
            ("seconds", Value.From(ticks / TimeSpan.TicksPerSecond)),
            ("microseconds", Value.From(ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond)))));
    }
}
