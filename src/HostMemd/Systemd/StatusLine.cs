namespace HostMemd.Systemd;

/// <summary>Keeps the line of <c>systemctl status</c> current. It is sent after a change, so nothing ticks while nothing changes.</summary>
sealed class StatusLine : IDisposable
{
    // People read it: several changes in a second are one.
    static readonly TimeSpan s_delay = TimeSpan.FromSeconds(1);

    readonly Lock _gate = new();
    readonly Timer _timer;
    bool _isDue, _isOver;

    /// <param name="notify">The service manager.</param>
    /// <param name="text">Reads the line.</param>
    public StatusLine(Notify notify, Func<string> text)
    {
        _timer = new(_ =>
        {
            // First: a change while the line is read makes it due again.
            lock (_gate)
                _isDue = false;
            notify.Status(text());
        });
        _timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    /// <summary>What the line says is different now. Does not block.</summary>
    public void Changed()
    {
        lock (_gate)
        {
            if (_isDue || _isOver)
                return;
            _isDue = true;
            _timer.Change(s_delay, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Sends nothing more. The line stays as it was last.</summary>
    public void Dispose()
    {
        lock (_gate)
            _isOver = true;
        _timer.Dispose();
    }
}
