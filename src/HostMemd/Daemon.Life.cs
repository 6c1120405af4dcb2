using System.Net.Sockets;
using HostMemd.Access;
using HostMemd.Backend.Threads;
using HostMemd.Config;
using HostMemd.Events;
using HostMemd.Linux;
using HostMemd.Persistence;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Start;
using HostMemd.Systemd;

namespace HostMemd;

// From the state of the process before to the end.
public sealed partial class Daemon
{
    // When nothing got on for so long at the end, the clients that are left are cut off.
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <inheritdoc cref="StateKeeper.RestoreAsync"/>
    internal Task RestoreAsync(IReadOnlyList<PassedDescriptor> descriptors, bool fromStore)
    {
        if (!fromStore)
            _ending = Ending.Undone;
        return _keeper.RestoreAsync(descriptors, fromStore);
    }

    /// <summary>Makes the threads that clients may need when the system has none left. For a process with one daemon.</summary>
    /// <exception cref="StartException">The system refuses one.</exception>
    public void Reserve()
    {
        if (!OwnThread.Reserve() || _services.Fillers.Reserve().Failed)
            throw Reserves.NoThread();
        if (_leases.Reserve() is { Failed: true } refused)
            throw refused == Errno.EAGAIN ? Reserves.NoThread() : new StartException($"cannot watch processes: {refused.Text}");
    }

    /// <summary>Makes the objects of the command line and the configuration, in their order.</summary>
    /// <exception cref="StartException">An object cannot be made; the line names it, and the caller ends the daemon.</exception>
    public async Task AddConfiguredObjectsAsync()
    {
        // Read one by one: the first fault is reported before the objects behind it are read.
        var origins = new Dictionary<ObjectOptions, ConfiguredObject>(ReferenceEqualityComparer.Instance);
        await _objects.AddAllAsync(_options.Objects.Select(Read).Where(IsMissing), (options, refusal) => origins[options].Failed(refusal))
            .ConfigureAwait(false);

        ObjectOptions Read(ConfiguredObject configured)
        {
            var options = ObjectOptions.Read(configured.ToValue(ObjectOptions), null);
            origins.Add(options, configured);
            return options;
        }
    }

    // What the process before had stays as it is: the configuration says how objects begin, not how they go on.
    bool IsMissing(ObjectOptions configured)
    {
        using (_state.Enter())
        {
            if (!_keeper.IsRestored(configured.Id))
                return true;
        }
        Log.ConfiguredIsThere(_logger, configured.Id);
        return false;
    }

    /// <summary>Accepts clients at that socket from now on.</summary>
    /// <param name="listener">The socket; it stays the caller's.</param>
    /// <param name="mode">How its clients are served.</param>
    /// <param name="path">The socket's file, if the daemon made it.</param>
    public void Listen(Socket listener, SocketMode mode, string? path = null)
    {
        if (UnixAddress.Of(listener).IsAbstract)
            mode = mode with { Admits = peer => AccessPolicy.MayConnect(peer, _access) };
        _acceptors.Add(listener, mode, path);
    }

    /// <summary>The process that handed its memory over has ended: this daemon may discard it from now on.</summary>
    internal void TakeOwnership() => _ending = Ending.Signal;

    internal Totals Totals()
    {
        var quarantined = _keeper.Quarantined;
        using (_state.Enter())
            return HostMemd.Totals.Of(_tree, quarantined);
    }

    /// <summary>
    /// Stops accepting, answers what was received, releases all objects. Memory in the descriptor store, and memory of another process,
    /// lives on; after <c>quit</c> none does.
    /// </summary>
    public async Task StopAsync()
    {
        if (_ending == Ending.Signal)
            Announce(ShutdownReason.Signal);
        await _acceptors.StopAsync().ConfigureAwait(false);
        await _clients.StopAsync(s_patience, Filled).ConfigureAwait(false);
        // A takeover may have succeeded meanwhile.
        var ending = _ending;
        await _objects.ReleaseAllAsync(keep: ending > Ending.Quit || (ending == Ending.Signal && _keeper.IsEnabled)).ConfigureAwait(false);
        if (ending == Ending.Quit)
            _keeper.Clear();
    }

    /// <summary>Whether commands can run: the state is free within that time. For the watchdog. Blocks.</summary>
    public bool IsAlive(TimeSpan patience) => _state.CanBeHadWithin(patience);

    /// <summary>Applies the settings that may change while the daemon runs: limits and access.</summary>
    public void Reload(HostMemdOptions options)
    {
        Apply(options);
        _clients.Limits = _limits.Wire;
        Log.Reloaded(_logger);
    }

    void Apply(HostMemdOptions options)
    {
        _access = options.Access;
        using (_state.Enter())
        {
            _services.MemPaths = options.Access.MemPaths;
            _limitValues = options.Limits;
            _limitValues.ApplyTo(_limits);
        }
    }

    /// <summary>Ends the daemon in that way, unless a later one of <see cref="HostMemd.Ending"/> was given before.</summary>
    internal void End(Ending ending)
    {
        lock (_ended)
        {
            if (ending > _ending)
                _ending = ending;
        }
        _ended.TrySetResult();
    }

    ulong Filled()
    {
        using (_state.Enter())
            return _jobs.All.Aggregate(0UL, (sum, job) => sum + job.Current);
    }

    void BeginQuit()
    {
        Announce(ShutdownReason.Quit);
        End(Ending.Quit);
    }

    void Announce(ShutdownReason reason) => DaemonEvents.Shutdown.Send(_clients, false, reason);

    void ClearFdSets()
    {
        using (_state.Enter())
            _fdSets.Clear();
    }
}
