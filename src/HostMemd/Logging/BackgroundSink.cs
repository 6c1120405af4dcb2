using HostMemd.Start;
using Serilog.Core;
using Serilog.Events;
using Serilog.Parsing;

namespace HostMemd.Logging;

/// <summary>
/// Queues log events for a thread that writes them: a full disk, a closed stderr or a stream that is not read can neither end the daemon
/// nor make it wait. Until <see cref="Release"/> events are only kept, so that a failed start shows one line.
/// </summary>
sealed class BackgroundSink : ILogEventSink, IDisposable
{
    // Minutes of the noisiest level; a few MiB.
    const int Capacity = 8192;

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    // Lines come in bursts. Waking the writer for each line costs a third of the objects that one CPU makes and deletes
    // (bench/load adddel).
    static readonly TimeSpan s_burst = TimeSpan.FromMilliseconds(5);
    static readonly MessageTemplate s_lost = new MessageTemplateParser().Parse("{Lost} log lines lost: written too slowly");

    readonly object _gate = new();
    // The writing thread opens a target when there is something to write, and again after a failure to open.
    readonly IReadOnlyList<Func<ILogEventSink>> _targets;
    readonly ILogEventSink?[] _open;
    readonly Queue<LogEvent> _waiting = new();
    long _lost;
    bool _ending;
    bool _isReleased;
    readonly Thread _writer;

    /// <param name="targets">Open the places to write to.</param>
    /// <exception cref="StartException">The writing thread cannot be started.</exception>
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

    /// <summary>Queues an event. Drops and counts it when the queue is full.</summary>
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

    /// <summary>Begins to write, what was queued so far first.</summary>
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
                    // A failure to log can be logged nowhere. The next event is tried again.
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
            // A start that failed shows one line on stderr instead of the queued ones.
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

    /// <summary>Writes what is queued, for at most a second.</summary>
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
