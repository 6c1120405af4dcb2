using System.Net.Sockets;
using HostMemd.Access;
using HostMemd.Backend.Jobs;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
using HostMemd.Backend.Threads;
using HostMemd.Commands;
using HostMemd.Config;
using HostMemd.Dispatch;
using HostMemd.Events;
using HostMemd.Hmp;
using HostMemd.Linux;
using HostMemd.Persistence;
using HostMemd.Protocol.Clients;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Qmp;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Sockets;
using HostMemd.Start;
using HostMemd.Systemd;
using HostMemd.Takeover;
using Microsoft.Extensions.Logging;

namespace HostMemd;

/// <summary>
/// The daemon put together: the classes, the tree, the commands, the clients.
/// </summary>
public sealed class Daemon
{
    // Whoever is not served by then is cut off at the end.
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    readonly StateLock _state = new();
    readonly QomTree _tree;
    readonly JobTable _jobs;
    readonly LeaseTable _leases;
    readonly UserSearch _search;
    readonly Lending _lending;
    readonly ObjectRegistry _objects;
    readonly PropertyChanges _properties;
    readonly FdSets _fdSets;
    readonly ClientRegistry _clients;
    readonly Acceptors _acceptors;
    readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly ChangeGate _changes = new();
    readonly StateKeeper _keeper;
    volatile Ending _ending = Ending.Signal;
    readonly Quota _quota;
    readonly LimitTargets _limits;
    LimitValues _limitValues = LimitValues.Default;
    readonly BackendServices _services;
    volatile AccessOptions _access;
    readonly HostMemdOptions _options;
    readonly ILogger _logger;

    public Daemon(HostMemdOptions options, ILoggerFactory loggers) : this(options, loggers, new(new Notify(null)))
    {
    }

    internal Daemon(HostMemdOptions options, ILoggerFactory loggers, FdStore store)
    {
        _options = options;
        _logger = loggers.CreateLogger("HostMemd");
        Log.UnexpectedFailuresGoTo(_logger);
        _tree = new(new MachineObject(options.Machine));
        _leases = new(_state);
        _jobs = new(_state);
        _fdSets = new(_state);
        _quota = new(_state);
        _search = new(loggers.CreateLogger("HostMemd.Backend"))
        {
            // The service manager is the main process's parent.
            Storekeeper = store.IsEnabled && int.TryParse(Procfs.Status("PPid"), out var parent) ? parent : null,
        };
        _lending = new(_tree, _leases, _search, _state);
        _services = new BackendServices(_tree, options.Machine, new FillPool(Sched.OnlineCpus()), _jobs, _lending,
            loggers.CreateLogger("HostMemd.Backend"), _state);
        _limits = new(_quota, _jobs, _services.Fillers);
        Apply(options);
        ObjectOptions = BackendTypes.All.ObjectOptions();
        _properties = new(_tree, _state);
        _objects = new(_services, _quota);
        _objects.Added += made =>
        {
            Log.ObjectAdded(_logger, made.Class.Name, made.Name, (made as HostMemoryBackend)?.Size ?? 0);
            TotalsChanged?.Invoke();
        };
        _objects.Deleted += gone =>
        {
            Log.ObjectDeleted(_logger, gone.Class.Name, gone.Name);
            TotalsChanged?.Invoke();
        };
        _keeper = new(_objects, _tree, _leases, store, _state, _logger);
        var dispatcher = new Dispatcher(Commands, _state, _changes, _logger, loggers.CreateLogger("HostMemd.Audit"));
        _access = options.Access;
        Runner = dispatcher.RunAsync;
        _clients = new(_limits.Wire, peer => AccessPolicy.RoleOf(peer, _access), loggers.CreateLogger("HostMemd.Protocol"))
        {
            LastClientLeft = ClearFdSets,
        };
        _acceptors = new([new SessionHost(VersionInfo.Greeting, Runner, _clients)], _logger);
        AddCommands();
        _quota.OtherDescriptors = () => _clients.Count + _leases.BorrowerCount + _fdSets.Count + NamedDescriptors.Count + Closing.Open;
        MemoryEvents.Connect(_objects, _jobs, _leases, _clients);
    }

    public CommandTable Commands { get; } = new();

    /// <summary>For tests that run commands as a client does, or keep clients waiting.</summary>
    internal StateLock State => _state;

    /// <summary>Runs a command as for a client; for drivers without sockets.</summary>
    internal CommandRunner Runner { get; }

    /// <summary>The clients of all front ends.</summary>
    internal ClientRegistry Clients => _clients;

    /// <summary>The arguments of <c>object-add</c>.</summary>
    public QapiUnion ObjectOptions { get; }

    /// <summary>Completes when a client ends the daemon, by <c>quit</c> or a takeover.</summary>
    public Task Ended => _ended.Task;

    /// <summary>How the daemon would end now.</summary>
    internal Ending Ending => _ending;

    void BeginQuit()
    {
        Announce(ShutdownReason.Quit);
        End(Ending.Quit);
    }

    void AddCommands()
    {
        var table = Commands;
        // One that found no memory is not remembered: the next who asks may find some.
        var schema = new Lazy<Value>(() => Schema.Of(table, DaemonEvents.All), LazyThreadSafetyMode.PublicationOnly);
        var monitor = new Lazy<HmpMonitor>(() =>
            new(_tree, BackendTypes.All, ObjectOptions, _objects, _properties, _state, VersionInfo.Human)
            { Quit = BeginQuit },
            LazyThreadSafetyMode.PublicationOnly);
        table.Add(SessionCommands.All(table, Negotiation.Row(), schema, quit: () => Announce(ShutdownReason.Quit), end: () => End(Ending.Quit),
            (line, owner, waiter) => monitor.Value.RunAsync(line, owner, waiter)));
        table.Add(ObjectCommands.All(_tree, _objects, ObjectOptions, _state));
        table.Add(QomCommands.All(_tree, BackendTypes.All, _properties));
        table.Add(DescriptorCommands.All(_fdSets));
        table.Add(JobCommands.All(_jobs, _tree));
        table.Add(StatsCommands.All(_tree, _leases, _search, _state));
        table.Add(HostCommands.All());
        table.Add(LimitCommands.All(() => _limitValues, uid => new(_quota, _jobs, _services.Fillers, _clients, uid)));
        table.Add(LeaseCommands.All(_leases, _lending, new(_tree, _leases, _search, _state)));
        table.Add(WatchCommands.All());
        table.Add(new TakeoverCommands(_keeper, new(_tree, _leases), _changes, _jobs, _acceptors, _state, () => End(Ending.HandedOver), _logger).All());
        table.Add(YankCommands.All());
    }

    /// <inheritdoc cref="StateKeeper.RestoreAsync"/>
    internal Task RestoreAsync(IReadOnlyList<PassedDescriptor> descriptors, bool fromStore)
    {
        if (!fromStore)
            _ending = Ending.Undone;
        return _keeper.RestoreAsync(descriptors, fromStore);
    }

    /// <summary>Has what clients may need later, when no thread can be had; for a process with one daemon.</summary>
    /// <exception cref="StartException">It cannot be had now.</exception>
    public void Reserve()
    {
        if (!OwnThread.Reserve() || _services.Fillers.Reserve().Failed)
            throw Reserves.NoThread();
        if (_leases.Reserve() is { Failed: true } refused)
            throw refused == Errno.EAGAIN ? Reserves.NoThread() : new StartException($"cannot watch processes: {refused.Text}");
    }

    /// <summary>Makes the objects of the command line and the configuration, in their order.</summary>
    /// <exception cref="StartException">One cannot be made; the line names it, and the caller ends the daemon.</exception>
    public async Task AddConfiguredObjectsAsync()
    {
        // Read one by one: the first fault is told before anything behind it is looked at.
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
    /// <param name="listener">The socket.</param>
    /// <param name="mode">What it speaks.</param>
    /// <param name="path">Its file, if it is ours.</param>
    public void Listen(Socket listener, SocketMode mode, string? path = null)
    {
        if (UnixAddress.Of(listener).IsAbstract)
            mode = mode with { Admits = peer => AccessPolicy.MayConnect(peer, _access) };
        _acceptors.Add(listener, mode, path);
    }

    /// <summary>The process that handed its memory over has ended: this daemon may discard it from now on.</summary>
    internal void TakeOwnership() => _ending = Ending.Signal;

    /// <summary>The <see cref="Totals"/> are different now. Raised with the state held.</summary>
    internal event Action? TotalsChanged;

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
        await _clients.StopAsync(s_patience).ConfigureAwait(false);
        // A takeover may have succeeded meanwhile.
        var ending = _ending;
        await _objects.ReleaseAllAsync(keep: ending > Ending.Quit || (ending == Ending.Signal && _keeper.IsEnabled)).ConfigureAwait(false);
        if (ending == Ending.Quit)
            _keeper.Clear();
    }

    /// <summary>The command path is alive: the state can be had within that time. For the watchdog.</summary>
    public bool IsAlive(TimeSpan patience) => _state.CanBeHadWithin(patience);

    /// <summary>Takes over what may change while running: limits and access.</summary>
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

    internal void End(Ending ending)
    {
        lock (_ended)
        {
            if (ending > _ending)
                _ending = ending;
        }
        _ended.TrySetResult();
    }

    void Announce(ShutdownReason reason) => DaemonEvents.Shutdown.Send(_clients, false, reason);

    void ClearFdSets()
    {
        using (_state.Enter())
            _fdSets.Clear();
    }
}
