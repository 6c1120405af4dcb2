using System.Runtime.InteropServices;
using HostMemd.Linux;
using Microsoft.Extensions.Hosting;

namespace HostMemd.Start;

/// <summary>
/// The host's lifetime: SIGTERM and SIGINT end the daemon in order, also while it starts; the second one ends it at once.
/// </summary>
sealed class SignalLifetime(IHostApplicationLifetime application, OwnedFiles owned) : IHostLifetime, IDisposable
{
    readonly List<PosixSignalRegistration> _registrations = [];
    int _received;

    /// <summary>Called by the host before it starts anything.</summary>
    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        // systemd's watchdog sends SIGABRT, and the runtime's handler would swallow the first one: a hung daemon is to die at once.
        _ = Signals.Restore(Signals.SIGABRT);
        _registrations.Add(DirectSignals.On(PosixSignal.SIGTERM, Signals.SIGTERM, () => Stop(Signals.SIGTERM)));
        _registrations.Add(DirectSignals.On(PosixSignal.SIGINT, Signals.SIGINT, () => Stop(Signals.SIGINT)));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    void Stop(int number)
    {
        if (Interlocked.Increment(ref _received) == 1)
        {
            // What goes on after it may take long, and the next signal must be heard.
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
