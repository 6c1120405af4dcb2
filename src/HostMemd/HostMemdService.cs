using System.Net.Sockets;
using System.Runtime.InteropServices;
using HostMemd.Config;
using HostMemd.Linux;
using HostMemd.Logging;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Rpc;
using HostMemd.Start;
using HostMemd.Systemd;
using HostMemd.Takeover;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;

namespace HostMemd;

/// <summary>
/// The life of the process: pid file, sockets, configured objects, ready; until a client or a signal ends it. A failure before "ready"
/// undoes what was done.
/// </summary>
sealed class HostMemdService(
    IOptions<HostMemdOptions> configured, CommandLine commandLine, Daemon daemon, DaemonLog log, SocketActivation passed, OwnedFiles owned,
    Notify notify, IHostApplicationLifetime application) : IHostedService
{
    readonly HostMemdOptions _options = configured.Value;
    readonly ILogger _logger = log.Factory.CreateLogger("HostMemd");
    readonly List<(Socket Socket, SocketMode Mode, string Name)> _listeners = [];
    SafeFileHandle? _pidFile;
    PosixSignalRegistration? _hangup;
    StatusLine? _status;
    Watchdog? _watchdog;
    TakeoverClient? _takeover;
    volatile bool _ready;
    volatile bool _reloadAsked;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // From here on SIGHUP must not end the process.
        _hangup = DirectSignals.On(PosixSignal.SIGHUP, 1, () =>
        {
            _reloadAsked = true;
            ThreadPool.UnsafeQueueUserWorkItem(static service => service.ReloadIfAsked(), this, preferLocal: false);
        });
        try
        {
            StartChecks.Check(_options, daemon.ObjectOptions);
            daemon.Reserve();
            if (_options.PidFile is { } path && _options.Takeover is null)
                _pidFile = PidFile.Create(path, owned);
            await RestoreAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            OpenSockets();
            // Clients that connect now wait for their greeting until the objects are there, as with QEMU.
            await daemon.AddConfiguredObjectsAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            FinishTakeover();
        }
        catch (Exception failure)
        {
            owned.Remove(directories: true);
            await daemon.StopAsync().ConfigureAwait(false);
            _takeover?.Dispose();
            throw failure switch
            {
                QmpException refusal => new StartException(refusal.Message),
                _ => failure,
            };
        }
        await BeReadyAsync().ConfigureAwait(false);
    }

    Task RestoreAsync()
    {
        if (_options.Takeover is not { } from)
            return daemon.RestoreAsync(passed.Others, fromStore: true);
        _takeover = TakeoverClient.From(
            from.Length > 0 ? new(from) : _options.Sockets is [var only, ..] ? only : new(DefaultSocket.Prepare(owned)));
        return daemon.RestoreAsync(_takeover.Handed.Kept, fromStore: false);
    }

    void OpenSockets()
    {
        try
        {
            UnixListener.Prepare();
        }
        catch (IOException failure)
        {
            throw new StartException($"Failed to wait for clients: {failure.Message}");
        }
        foreach (var handed in _takeover?.Handed.Sockets ?? [])
            _listeners.Add((QmpSocket.Adopt((SafeFileHandle)handed.Handle), handed.Mode, handed.Path ?? "a socket taken over"));
        foreach (var (name, socket) in passed.Sockets)
            _listeners.Add((socket, ModeOf(socket, name), $"the passed socket {name}"));
        foreach (var socket in _options.Sockets.Where(s => _listeners.All(l => l.Name != s.Name && !UnixAddress.IsAt(s, l.Socket))))
            _listeners.Add((QmpSocket.Listen(socket, _options.Access, owned), new(socket.Pretty) { Protocol = socket.Protocol.Name }, socket.Name));
        if (_listeners.Count > 0)
            return;
        var path = DefaultSocket.Prepare(owned);
        _listeners.Add((QmpSocket.Listen(path, _options.Access, owned), new(Pretty: false), path));
    }

    // A passed socket speaks what its name says (FileDescriptorName=), or what the configuration says of the same address.
    SocketMode ModeOf(Socket passed, string name)
    {
        var configured = _options.Sockets.FirstOrDefault(s => UnixAddress.IsAt(s, passed));
        var protocol = name == RpcFrontEnd.Name ? name : (configured?.Protocol ?? SocketProtocol.Qmp).Name;
        return new(configured?.Pretty ?? false) { Protocol = protocol };
    }

    async Task BeReadyAsync()
    {
        if (Daemonizer.IsBackground)
            _ = Files.EnterFolder("/");
        foreach (var (socket, mode, name) in _listeners)
        {
            daemon.Listen(socket, mode, name.StartsWith('/') ? name : null);
            StartLog.Listening(_logger, VersionInfo.Own, name);
        }
        foreach (var warning in _options.Warnings)
            StartLog.Warned(_logger, warning);
        log.Release();
        _ready = true;
        notify.Ready();
        if (_takeover is not null && _options.PidFile is { } path)
            await TakePidFileAsync(path).ConfigureAwait(false);
        Daemonizer.Report("");
        if (notify.IsEnabled)
            ShowStatus();
        ReloadIfAsked();
        _watchdog = Watchdog.Start(notify, daemon.IsAlive);
        _ = daemon.Ended.ContinueWith(_ => application.StopApplication(), TaskScheduler.Default);
    }

    // Until here the files and the memory belong to the other process, which goes on with them after a failure. From here on they are
    // this daemon's. Clients that connect meanwhile wait in the sockets' queues.
    void FinishTakeover()
    {
        if (_takeover is null)
            return;
        _takeover.Finish();
        daemon.TakeOwnership();
        foreach (var handed in _takeover.Handed.Sockets)
        {
            if (handed.Path is not null)
                _ = owned.Add(handed.Path);
        }
        _takeover.Dispose();
    }

    async Task TakePidFileAsync(string path)
    {
        // The other process holds the file until it has ended.
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                _pidFile = PidFile.Create(path, owned);
                return;
            }
            catch (StartException held) when (attempt == 100)
            {
                StartLog.Warned(_logger, held.Message);
                return;
            }
            catch (StartException)
            {
                await Task.Delay(100).ConfigureAwait(false);
            }
        }
    }

    void ShowStatus()
    {
        _status = new(notify, () => daemon.Totals().ToString());
        daemon.TotalsChanged += _status.Changed;
    }

    void ReloadIfAsked()
    {
        if (!_ready || !_reloadAsked)
            return;
        _reloadAsked = false;
        notify.Reloading();
        try
        {
            var changed = commandLine.ApplyTo(ConfigFile.Read(commandLine.ConfigPath));
            log.Change(changed.Log);
            daemon.Reload(changed);
        }
        catch (StartException wrong)
        {
            StartLog.NotReloaded(_logger, wrong.Message);
        }
        notify.Ready();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (!_ready)
            return;
        notify.Stopping();
        StartLog.Stopping(_logger);
        // Objects released during shutdown are not reported to systemctl status.
        _status?.Dispose();
        _watchdog?.Dispose();
        // A client that comes now finds no socket, rather than one without an answer; unless another process answers there.
        if (daemon.Ending == Ending.HandedOver)
            owned.Disown();
        else
            owned.Remove(directories: false);
        var stopping = daemon.StopAsync();
        // Closing a socket might shut it down, which must not happen while another process listens at it.
        foreach (var (socket, _, _) in daemon.Ending == Ending.HandedOver ? [] : _listeners)
            socket.Dispose();
        try
        {
            await stopping.ConfigureAwait(false);
        }
        catch (Exception bug)
        {
            StartLog.StopFailed(_logger, bug);
        }
        _hangup?.Dispose();
        _pidFile?.Dispose();
        StartLog.Stopped(_logger);
    }
}
