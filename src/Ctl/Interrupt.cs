using System.Runtime.InteropServices;

namespace HostMemd.Ctl;

/// <summary>While it exists the first SIGINT or SIGTERM is a request to stop; the second ends the process at once.</summary>
sealed class Interrupt : IDisposable
{
    readonly CancellationTokenSource _source = new();
    readonly PosixSignalRegistration[] _registrations;

    public Interrupt() => _registrations =
        [PosixSignalRegistration.Create(PosixSignal.SIGINT, Take), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Take)];

    public CancellationToken Token => _source.Token;

    public bool IsRequested => _source.IsCancellationRequested;

    void Take(PosixSignalContext signal)
    {
        signal.Cancel = !IsRequested;
        _source.Cancel();
    }

    /// <summary>Waits, or not so long once it is requested.</summary>
    public async Task DelayAsync(TimeSpan time)
    {
        try
        {
            await Task.Delay(time, Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The caller looks at IsRequested.
        }
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _source.Dispose();
    }
}
