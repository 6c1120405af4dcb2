using System.Net.Sockets;
using System.Runtime.InteropServices;
using HostMemd.Keeping;
using HostMemd.Linux;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Start;
using HostMemd.Systemd;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;

namespace HostMemd;

/// <summary>
/// The daemon's life: pid file, sockets, configured objects, ready; until a client or a signal ends it. Whatever fails before
/// "ready" undoes what was done.
/// </summary>
sealed class HostMemdService(
    IOptions<HostMemdOptions> configured, CommandLine commandLine, Daemon daemon, DaemonLog log, SocketActivation passed, OwnedFiles owned,
    Notify notify, IHostApplicationLifetime application) : IHostedService
{
    // systemctl status is looked at by people; told after a change, so that nothing ticks while nothing happens.
    static readonly TimeSpan s_statusDelay = TimeSpan.FromSeconds(1);

    readonly HostMemdOptions _options = configured.Value;
    readonly ILogger _logger = log.Factory.CreateLogger("HostMemd");
    readonly List<(Socket Socket, bool Pretty, string Name)> _listeners = [];
    SafeFileHandle? _pidFile;
    PosixSignalRegistration? _hangup;
    Timer? _status;
    bool _statusIsDue;
    Watchdog? _watchdog;
    Takeover? _takeover;
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
            StartChecks.Check(_options, daemon);
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
        _takeover = Takeover.From(
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
            _listeners.Add((QmpSocket.Adopt((SafeFileHandle)handed.Handle), handed.Pretty, handed.Path ?? "a socket taken over"));
        foreach (var (name, socket) in passed.Sockets)
            _listeners.Add((socket, _options.Sockets.Any(s => s.Pretty && s.IsAt(socket)), $"the passed socket {name}"));
        foreach (var socket in _options.Sockets.Where(s => _listeners.All(l => l.Name != s.Name && !s.IsAt(l.Socket))))
            _listeners.Add((QmpSocket.Listen(socket, _options.Access, owned), socket.Pretty, socket.Name));
        if (_listeners.Count > 0)
            return;
        var path = DefaultSocket.Prepare(owned);
        _listeners.Add((QmpSocket.Listen(path, _options.Access, owned), false, path));
    }

    async Task BeReadyAsync()
    {
        if (Daemonizer.IsBackground)
            _ = Files.EnterFolder("/");
        foreach (var (socket, pretty, name) in _listeners)
        {
            daemon.Listen(socket, new SocketMode(pretty), name.StartsWith('/') ? name : null);
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
            TellStatusOfChanges();
        ReloadIfAsked();
        _watchdog = Watchdog.Start(notify, daemon);
        _ = Task.WhenAny(daemon.Quit, daemon.Left).ContinueWith(_ => application.StopApplication(), TaskScheduler.Default);
    }

    // Until here the files and the memory are the other process's: if anything fails it goes on with them. From here on they are ours;
    // who connects meanwhile waits in the sockets' queues.
    void FinishTakeover()
    {
        if (_takeover is null)
            return;
        _takeover.Finish();
        daemon.Own();
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

    void TellStatusOfChanges()
    {
        _status = new(_ => TellStatus());
        daemon.HeldChanged += () =>
        {
            if (!Interlocked.Exchange(ref _statusIsDue, true))
                _status.Change(s_statusDelay, Timeout.InfiniteTimeSpan);
        };
        // Last: a change while this is told is told again.
        _status.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    void TellStatus()
    {
        Volatile.Write(ref _statusIsDue, false);
        var (objects, bytes) = daemon.Held();
        notify.Status(string.Create(null, $"{objects} memory backends, {bytes >> 20} MiB{(daemon.Aside is > 0 and var aside ? $"; {aside} entries kept aside" : "")}"));
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
        // What is let go of from here on is not told.
        Volatile.Write(ref _statusIsDue, true);
        _status?.Dispose();
        _watchdog?.Dispose();
        // Whoever comes now is to find no socket rather than one that nobody answers; unless another process answers by now.
        if (daemon.Left.IsCompleted)
            owned.Disown();
        else
            owned.Remove(directories: false);
        var stopping = daemon.StopAsync();
        // A socket that another process listens at now must not be shut down, which closing it might do.
        foreach (var (socket, _, _) in daemon.Left.IsCompleted ? [] : _listeners)
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
