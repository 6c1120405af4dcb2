using System.Globalization;
using HostMemd.Config;
using HostMemd.Linux;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Extensions.Logging;
using Serilog.Sinks.File;

namespace HostMemd.Logging;

/// <summary>The log: Serilog behind <c>ILogger</c>, to stderr and, if configured, to files. Levels can change while running.</summary>
sealed class DaemonLog : IDisposable
{
    /// <summary>The category of the audit lines, which say which client changed what.</summary>
    public const string Audit = "HostMemd.Audit";

    readonly LoggingLevelSwitch _least = new();
    readonly LoggingLevelSwitch _leastAudited = new();
    readonly bool _hasAuditFile;
    readonly LevelFilter _levels = new();
    readonly BackgroundSink _sink;
    readonly BackgroundSink? _audited;

    /// <exception cref="StartException">The log file cannot be written.</exception>
    public DaemonLog(LogOptions options)
    {
        _hasAuditFile = options.Audit is not null;
        Change(options);
        var targets = new List<Func<ILogEventSink>> { () => OpenConsole(StderrIsJournal()) };
        if (options.File is { } path)
        {
            CheckWritable(path);
            targets.Add(() => OpenFile(path, options.FileBytes));
        }
        _sink = new(targets);
        if (options.Audit is { } audit)
        {
            CheckWritable(audit);
            _audited = new([() => OpenFile(audit, options.AuditBytes)]);
        }
        Factory = new SerilogLoggerFactory(
            new LoggerConfiguration()
                .MinimumLevel.ControlledBy(_least)
                .MinimumLevel.Override(Audit, _leastAudited)
                .WriteTo.Sink(new Router(_levels, _sink, _audited))
                .CreateLogger(),
            dispose: true);
    }

    /// <summary>Makes the loggers of all categories.</summary>
    public ILoggerFactory Factory { get; }

    /// <summary>Begins to write, once the start has succeeded. What was logged so far comes first.</summary>
    public void Release()
    {
        _sink.Release();
        _audited?.Release();
    }

    /// <summary>Takes over other levels. Files stay as they are.</summary>
    public void Change(LogOptions options)
    {
        var areas = new Dictionary<string, LogEventLevel>(options.Areas, StringComparer.Ordinal);
        // Serilog makes no event of a line that no area wants.
        var least = options.Default;
        foreach (var (_, level) in areas)
            least = level < least ? level : least;
        _least.MinimumLevel = least;
        // A line for each change has to be configured. Refusals are warnings and always logged.
        areas.TryAdd(Audit, LogEventLevel.Warning);
        _levels.Change(options.Default, areas);
        var audited = areas[Audit];
        _leastAudited.MinimumLevel = _hasAuditFile && audited > LogEventLevel.Information ? LogEventLevel.Information : audited;
    }

    static ILogEventSink OpenConsole(bool journal) =>
        new LoggerConfiguration().MinimumLevel.Verbose()
            .WriteTo.Console(new LineFormatter(journal), standardErrorFromLevel: LogEventLevel.Verbose).CreateLogger();

    static RollingFile OpenFile(string path, long bytes) => new(path, bytes);

    static void CheckWritable(string path)
    {
        var directory = Path.GetDirectoryName(path)!;
        var errno = Directory.Exists(path) ? Errno.EISDIR : Files.CheckWritable(File.Exists(path) ? path : directory);
        if (errno.Failed)
            throw new StartException($"cannot write the log file {path}: {errno.Text}");
    }

    // systemd.exec(5): JOURNAL_STREAM is device and inode of the stream that systemd connected to the journal.
    static bool StderrIsJournal()
    {
        var parts = (Environment.GetEnvironmentVariable("JOURNAL_STREAM") ?? "").Split(':');
        using var stderr = new SafeFileHandle(2, ownsHandle: false);
        return parts.Length == 2 && Files.Status(stderr, out var status).Ok
            && parts[0] == ToDevice(status.Major, status.Minor).ToString(CultureInfo.InvariantCulture)
            && parts[1] == status.Inode.ToString(CultureInfo.InvariantCulture);
    }

    // glibc's makedev(3), in which each number has two places.
    static ulong ToDevice(ulong major, ulong minor) =>
        (minor & 0xFF) | ((major & 0xFFF) << 8) | ((minor & ~0xFFUL) << 12) | ((major & ~0xFFFUL) << 32);

    public void Dispose()
    {
        Factory.Dispose();
        _sink.Dispose();
        _audited?.Dispose();
    }

    // With an audit file, audit lines go to it alone, and refusals to both.
    sealed class Router(LevelFilter levels, ILogEventSink main, ILogEventSink? audited) : ILogEventSink
    {
        public void Emit(LogEvent logEvent)
        {
            var isAudited = audited is not null && IsAudit(logEvent);
            if (isAudited)
                audited!.Emit(logEvent);
            if ((!isAudited || logEvent.Level >= LogEventLevel.Warning) && levels.IsEnabled(logEvent))
                main.Emit(logEvent);
        }

        static bool IsAudit(LogEvent logEvent) =>
            logEvent.Properties.TryGetValue(Constants.SourceContextPropertyName, out var context)
            && context is ScalarValue { Value: Audit };
    }

    sealed class RollingFile(string path, long bytes) : ILogEventSink, IDisposable
    {
        readonly Logger _file = new LoggerConfiguration().MinimumLevel.Verbose()
            .WriteTo.File(new LineFormatter(journal: false), path,
                fileSizeLimitBytes: bytes, rollOnFileSizeLimit: true, retainedFileCountLimit: 4)
            .CreateLogger();

        public void Emit(LogEvent logEvent) => _file.Write(logEvent);

        public void Dispose() => _file.Dispose();
    }
}
