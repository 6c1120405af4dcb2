using System.Globalization;

namespace HostMemd.Systemd;

/// <summary>
/// Reports to systemd's watchdog (WatchdogSec=) while the daemon works. A daemon that hangs must end in a restart, not go on as a
/// process that only looks alive.
/// </summary>
sealed class Watchdog : IDisposable
{
    readonly Timer _timer;

    Watchdog(Timer timer) => _timer = timer;

    /// <param name="notify">The service manager.</param>
    /// <param name="isAlive">Whether the daemon works, found out within the given time. Blocks.</param>
    /// <returns>Null when the unit has no WatchdogSec=.</returns>
    public static Watchdog? Start(Notify notify, Func<TimeSpan, bool> isAlive)
    {
        var microseconds = Environment.GetEnvironmentVariable("WATCHDOG_USEC");
        var pid = Environment.GetEnvironmentVariable("WATCHDOG_PID");
        Environment.SetEnvironmentVariable("WATCHDOG_USEC", null);
        Environment.SetEnvironmentVariable("WATCHDOG_PID", null);
        if (!notify.IsEnabled || !long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var period) || period <= 0
            || (pid is not null && pid != Environment.ProcessId.ToString(CultureInfo.InvariantCulture)))
            return null;
        // sd_watchdog_enabled(3): report twice in that time.
        var half = TimeSpan.FromMicroseconds(period / 2.0);
        return new(new(_ =>
        {
            if (isAlive(half / 2))
                notify.Watchdog();
        }, null, TimeSpan.Zero, half));
    }

    public void Dispose() => _timer.Dispose();
}
