using Serilog.Core;
using Serilog.Events;
using Serilog.Parsing;

namespace HostMemd.Start;

/// <summary>
/// Log events, written by a thread of their own: a full disk, a closed stderr or a reader that has stopped reading it can neither
/// end the daemon nor make it wait. Until <see cref="Release"/> events are only kept, so that a failed start shows one line.
/// </summary>
/// <param name="targets">Opened by the writing thread when there is something to write, and again after a failure to open.</param>
sealed class BackgroundSink(IReadOnlyList<Func<ILogEventSink>> targets) : ILogEventSink, IDisposable
{
    // Minutes of the noisiest level; a few MiB.
    const int Capacity = 8192;

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    // Lines come in bursts: were the writer woken for each, 9,100 objects a second could be made and deleted on
    // one CPU instead of 13,300 (bench/load adddel, 2026-11-21).
    static readonly TimeSpan s_burst = TimeSpan.FromMilliseconds(5);
    static readonly MessageTemplate s_lost = new MessageTemplateParser().Parse("{Lost} log lines lost: written too slowly");

    readonly object _gate = new();
    readonly ILogEventSink?[] _open = new ILogEventSink?[targets.Count];
    readonly Queue<LogEvent> _waiting = new();
    long _lost;
    bool _ending;
    Thread? _writer;

    public void Emit(LogEvent logEvent)
    {
        lock (_gate)
        {
            if (_waiting.Count >= Capacity || _ending)
            {
                _lost++;
                return;
            }
            _waiting.Enqueue(logEvent);
            if (_waiting.Count == 1)
                Monitor.Pulse(_gate);
        }
    }

    /// <summary>Begins to write.</summary>
    public void Release()
    {
        lock (_gate)
        {
            if (_writer is not null)
                return;
            _writer = new(Write, 256 << 10) { IsBackground = true, Name = "hostmemd-log" };
            _writer.Start();
        }
    }

    void Write()
    {
        while (Next() is { } logEvent)
        {
            for (var i = 0; i < _open.Length; i++)
            {
                try
                {
                    (_open[i] ??= targets[i]()).Emit(logEvent);
                }
                catch (Exception)
                {
                    // Where logging fails there is nowhere left to say so; the next event may fare better.
                }
            }
        }
    }

    LogEvent? Next()
    {
        lock (_gate)
        {
            while (_waiting.Count == 0)
            {
                if (_ending)
                    return null;
                Monitor.Wait(_gate);
                if (!_ending)
                    Monitor.Wait(_gate, s_burst);
            }
            if (_lost == 0 || _waiting.Count > Capacity / 2)
                return _waiting.Dequeue();
            var lost = new LogEventProperty("Lost", new ScalarValue(_lost));
            _lost = 0;
            return new(DateTimeOffset.Now, LogEventLevel.Warning, null, s_lost, [lost]);
        }
    }

    /// <summary>Writes what is there, if that does not take long.</summary>
    public void Dispose()
    {
        Thread? writer;
        lock (_gate)
        {
            _ending = true;
            writer = _writer;
            Monitor.Pulse(_gate);
        }
        if (writer?.Join(s_patience) != true)
            return;
        foreach (var target in _open.OfType<IDisposable>())
            target.Dispose();
    }
}
