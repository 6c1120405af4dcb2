using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;

namespace HostMemd.Start;

/// <summary>SIGTERM and SIGINT end the daemon in order; the second one ends it at once.</summary>
sealed class EndingSignals(IHostApplicationLifetime application, OwnedFiles owned) : IDisposable
{
    readonly List<PosixSignalRegistration> _registrations = [];
    int _received;

    /// <summary>Called before anything is started, so that a start can be broken off as well.</summary>
    public void Begin()
    {
        // systemd's watchdog sends SIGABRT, and the runtime's handler would swallow the first one: a hung daemon is to die at once.
        Posix.signal(Posix.SIGABRT, Posix.SIG_DFL);
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, 15)));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, 2)));
    }

    void Stop(PosixSignalContext context, int number)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _received) == 1)
        {
            application.StopApplication();
            return;
        }
        owned.Remove(directories: false);
        // What a shell reports for a process that a signal has ended.
        Posix._exit(128 + number);
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
    }
}
