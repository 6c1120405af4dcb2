using System.Net.Sockets;
using HostMemd.Protocol.Qmp;
using HostMemd.Protocol.Wire;
using Microsoft.Extensions.Logging;

namespace HostMemd.Sockets;

/// <summary>The listening sockets. Accepting pauses while another process takes over, and goes on if that fails.</summary>
/// <param name="frontEnds">Serve the clients, each those of the sockets that speak its protocol.</param>
/// <param name="logger">Receives the failures of accept4(2).</param>
sealed class Acceptors(IReadOnlyList<IFrontEnd> frontEnds, ILogger logger)
{
    readonly Lock _gate = new();
    readonly List<(UnixListener Listener, HandedSocket Handed)> _listeners = [];
    readonly List<Task> _running = [];
    CancellationTokenSource _accepting = new();
    bool _stopped;

    /// <summary>The sockets for a process that takes over.</summary>
    public IReadOnlyList<HandedSocket> Sockets
    {
        get
        {
            lock (_gate)
                return [.. _listeners.Select(l => l.Handed)];
        }
    }

    /// <summary>Accepts clients at that socket from now on.</summary>
    /// <param name="listener">Stays the caller's.</param>
    /// <param name="mode">What it speaks.</param>
    /// <param name="path">The socket's file, if the daemon made it.</param>
    public void Add(Socket listener, SocketMode mode, string? path)
    {
        lock (_gate)
        {
            var accepting = new UnixListener(listener, mode, frontEnds.First(f => f.Protocol == mode.Protocol), logger);
            _listeners.Add((accepting, new(listener.SafeHandle, path, mode)));
            if (!_stopped)
                _running.Add(accepting.RunAsync(_accepting.Token));
        }
    }

    /// <summary>Stops accepting; completes when no client is being accepted. Clients that connect wait in the sockets' queues.</summary>
    public async Task PauseAsync()
    {
        Task[] running;
        lock (_gate)
        {
            running = [.. _running];
            _running.Clear();
        }
        await _accepting.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(running).ConfigureAwait(false);
    }

    /// <summary>Accepts again after <see cref="PauseAsync"/>, unless <see cref="StopAsync"/> came meanwhile.</summary>
    public void Resume()
    {
        lock (_gate)
        {
            if (_stopped)
                return;
            _accepting = new();
            foreach (var (listener, _) in _listeners)
                _running.Add(listener.RunAsync(_accepting.Token));
        }
    }

    /// <summary>Stops accepting for good.</summary>
    public Task StopAsync()
    {
        lock (_gate)
            _stopped = true;
        return PauseAsync();
    }
}
