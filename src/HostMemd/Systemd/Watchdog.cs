using System.Globalization;

namespace HostMemd.Systemd;

/// <summary>
/// Tells systemd's watchdog (WatchdogSec=) that all is well, as long as the daemon's state can be had: a registry that hangs must
/// end in a restart, not in a process that only looks alive.
/// </summary>
sealed class Watchdog : IDisposable
{
    readonly Timer _timer;

    Watchdog(Timer timer) => _timer = timer;

    /// <summary>Null when nobody watches.</summary>
    public static Watchdog? Start(Notify notify, Daemon daemon)
    {
        var microseconds = Environment.GetEnvironmentVariable("WATCHDOG_USEC");
        var pid = Environment.GetEnvironmentVariable("WATCHDOG_PID");
        Environment.SetEnvironmentVariable("WATCHDOG_USEC", null);
        Environment.SetEnvironmentVariable("WATCHDOG_PID", null);
        if (!notify.IsEnabled || !long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var period) || period <= 0
            || (pid is not null && pid != Environment.ProcessId.ToString(CultureInfo.InvariantCulture)))
            return null;
        // sd_watchdog_enabled(3): tell twice in the time.
        var half = TimeSpan.FromMicroseconds(period / 2.0);
        return new(new(_ =>
        {
            if (daemon.IsAlive(half / 2))
                notify.Watchdog();
        }, null, TimeSpan.Zero, half));
    }

    public void Dispose() => _timer.Dispose();
}
