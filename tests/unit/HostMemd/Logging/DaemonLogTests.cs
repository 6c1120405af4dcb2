using HostMemd.Config;
using HostMemd.Logging;
using Microsoft.Extensions.Logging;
using Serilog.Core;
using Serilog.Events;
using Serilog.Parsing;

namespace HostMemd.Unit.HostMemd.Logging;

public class DaemonLogTests
{
    static LogEvent Event(string text, LogEventLevel level = LogEventLevel.Information, Exception? bug = null, string? area = null) =>
        new(new(2026, 11, 21, 9, 30, 0, TimeSpan.Zero), level, bug, new MessageTemplateParser().Parse("{Text}"),
            [new("Text", new ScalarValue(text)), .. area is null ? (LogEventProperty[])[] : [new("SourceContext", new ScalarValue(area))]]);

    static string Line(bool journal, LogEvent logEvent)
    {
        using var output = new StringWriter();
        new LineFormatter(journal).Format(logEvent, output);
        return output.ToString();
    }

    [Fact]
    public void Line_HasTimeAndLevel_OrThePriority()
    {
        Assert.Equal("2026-11-21 09:30:00.000 WRN told\n", Line(journal: false, Event("told", LogEventLevel.Warning)));
        Assert.Equal("<4>told\n", Line(journal: true, Event("told", LogEventLevel.Warning)));
    }

    [Fact]
    public void Line_IsOneLine_WhateverIsInIt()
    {
        var line = Line(journal: true, Event("a\r\n<0>b\u001b[1m", bug: new InvalidOperationException("c\nd")));

        Assert.Equal("<6>a | <0>b?[1m: System.InvalidOperationException: c | d\n", line);
    }

    [Fact]
    public void Levels_GoByTheLongestArea()
    {
        var filter = new LevelFilter();
        filter.Change(LogEventLevel.Information, new Dictionary<string, LogEventLevel>
        {
            ["A"] = LogEventLevel.Error,
            ["A.B"] = LogEventLevel.Debug,
        });

        Assert.True(filter.IsEnabled(Event("", LogEventLevel.Debug, area: "A.B.C")));
        Assert.False(filter.IsEnabled(Event("", LogEventLevel.Warning, area: "A.Bx")));
        Assert.False(filter.IsEnabled(Event("", LogEventLevel.Debug, area: "Other")));
        Assert.True(filter.IsEnabled(Event("", area: null)));
    }

    sealed class Target : ILogEventSink
    {
        public List<string> Lines { get; } = [];
        public bool Broken { get; init; }

        public void Emit(LogEvent logEvent)
        {
            Lines.Add(logEvent.RenderMessage());
            if (Broken)
                throw new IOException("No space left on device");
        }
    }

    [Fact]
    public void BrokenTarget_StopsNeitherTheOtherNorUs()
    {
        var (broken, good) = (new Target { Broken = true }, new Target());
        using (var sink = new BackgroundSink([() => broken, () => throw new IOException("cannot open"), () => good]))
        {
            sink.Emit(Event("kept before the start succeeded"));
            sink.Release();
            sink.Emit(Event("x"));
        }

        Assert.Equal(2, broken.Lines.Count);
        Assert.Equal(2, good.Lines.Count);
    }

    [Fact]
    public void FailedStart_WritesNothing()
    {
        var target = new Target();
        using (var sink = new BackgroundSink([() => target]))
            sink.Emit(Event("object added"));

        Assert.Empty(target.Lines);
    }

    [Fact]
    public void Flood_IsCutAndCounted()
    {
        var target = new Target();
        using (var sink = new BackgroundSink([() => target]))
        {
            foreach (var i in Enumerable.Range(0, 10_000))
                sink.Emit(Event("x"));
            sink.Release();
        }

        Assert.Single(target.Lines, l => l.Contains("1808 log lines lost", StringComparison.Ordinal));
        Assert.Equal(8193, target.Lines.Count);
    }

    [Fact]
    public void File_IsWritten_AndALevelChangesWhileRunning()
    {
        var folder = Directory.CreateTempSubdirectory("hostmemd-").FullName;
        var path = Path.Combine(folder, "log");
        var options = new LogOptions { File = path, Default = LogEventLevel.Fatal };
        using (var log = new DaemonLog(options))
        {
            log.Release();
            var logger = log.Factory.CreateLogger("HostMemd");
            logger.LogInformation("not yet");
            log.Change(options with { Areas = new Dictionary<string, LogEventLevel> { ["HostMemd"] = LogEventLevel.Verbose } });
            logger.LogError("now");
        }

        Assert.EndsWith(" ERR now\n", Assert.Single(File.ReadAllText(path).Split("\n\n")), StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void FileThatCannotBeWritten_IsRefusedAtOnce() =>
        Assert.Contains("No such file", Assert.Throws<StartException>(() => new DaemonLog(new() { File = "/no/such/log" })).Message,
            StringComparison.Ordinal);
}
