using System.Runtime.InteropServices;
using HostMemd.Linux;
using Microsoft.Extensions.Hosting;

namespace HostMemd.Start;

/// <summary>
/// The host's lifetime: SIGTERM and SIGINT end the daemon in order, also while it starts. The second one ends it at once.
/// </summary>
sealed class SignalLifetime(IHostApplicationLifetime application, OwnedFiles owned) : IHostLifetime, IDisposable
{
    readonly List<PosixSignalRegistration> _registrations = [];
    int _received;

    /// <summary>Begins to handle signals. The host calls it before it starts anything.</summary>
    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        // systemd's watchdog sends SIGABRT to a hung daemon, which must die at once. The runtime's handler would swallow the first one.
        _ = Signals.Restore(Signals.SIGABRT);
        _registrations.Add(DirectSignals.On(PosixSignal.SIGTERM, Signals.SIGTERM, () => Stop(Signals.SIGTERM)));
        _registrations.Add(DirectSignals.On(PosixSignal.SIGINT, Signals.SIGINT, () => Stop(Signals.SIGINT)));
        return Task.CompletedTask;
    }

    /// <summary>Does nothing: the handlers stay until the process ends.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    void Stop(int number)
    {
        if (Interlocked.Increment(ref _received) == 1)
        {
            // Stopping may take long, and this thread must handle the next signal.
            ThreadPool.UnsafeQueueUserWorkItem(static application => application.StopApplication(), application, preferLocal: false);
            return;
        }
        owned.Remove(directories: false);
        // The status that a shell shows for a process that a signal has ended.
        Processes.Exit(128 + number);
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
    }
}
