using HostMemd.Start;
using Serilog.Core;
using Serilog.Events;
using Serilog.Parsing;

namespace HostMemd.Logging;

/// <summary>
/// Log events, written by a thread of their own: a full disk, a closed stderr or a reader that has stopped reading it can neither
/// end the daemon nor make it wait. Until <see cref="Release"/> events are only kept, so that a failed start shows one line.
/// </summary>
sealed class BackgroundSink : ILogEventSink, IDisposable
{
    // Minutes of the noisiest level; a few MiB.
    const int Capacity = 8192;

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    // Lines come in bursts: were the writer woken for each, 9,100 objects a second could be made and deleted on
    // one CPU instead of 13,300 (bench/load adddel, 2026-11-21).
    static readonly TimeSpan s_burst = TimeSpan.FromMilliseconds(5);
    static readonly MessageTemplate s_lost = new MessageTemplateParser().Parse("{Lost} log lines lost: written too slowly");

    readonly object _gate = new();
    // Opened by the writing thread when there is something to write, and again after a failure to open.
    readonly IReadOnlyList<Func<ILogEventSink>> _targets;
    readonly ILogEventSink?[] _open;
    readonly Queue<LogEvent> _waiting = new();
    long _lost;
    bool _ending;
    bool _isReleased;
    readonly Thread _writer;

    /// <exception cref="StartException">No thread can be had for it.</exception>
    public BackgroundSink(IReadOnlyList<Func<ILogEventSink>> targets)
    {
        _targets = targets;
        _open = new ILogEventSink?[targets.Count];
        _writer = new(Write, 256 << 10) { IsBackground = true, Name = "hostmemd-log" };
        try
        {
            _writer.Start();
        }
        catch (Exception none) when (none is OutOfMemoryException or ThreadStartException)
        {
            throw Reserves.NoThread();
        }
    }

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
            _isReleased = true;
            Monitor.Pulse(_gate);
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
                    (_open[i] ??= _targets[i]()).Emit(logEvent);
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
            while (!_isReleased && !_ending)
                Monitor.Wait(_gate);
            // A start that failed shows its one line, not these.
            if (!_isReleased)
                return null;
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
        lock (_gate)
        {
            _ending = true;
            Monitor.Pulse(_gate);
        }
        if (!_writer.Join(s_patience))
            return;
        foreach (var target in _open.OfType<IDisposable>())
            target.Dispose();
    }
}
