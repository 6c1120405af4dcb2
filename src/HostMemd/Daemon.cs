using System.Net.Sockets;
using HostMemd.Backend.Jobs;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
using HostMemd.Backend.Threads;
using HostMemd.Commands;
using HostMemd.Human;
using HostMemd.Keeping;
using HostMemd.Linux;
using HostMemd.Protocol;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Start;
using HostMemd.Systemd;
using Microsoft.Extensions.Logging;

namespace HostMemd;

/// <summary>
/// The daemon put together: the classes, the tree, the commands, the clients. It knows no command line, no systemd and no signals.
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
    readonly SessionHost _sessions;
    readonly Acceptors _acceptors;
    readonly TaskCompletionSource _quit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly ChangeGate _changes = new();
    readonly Keeper _keeper;
    HashSet<string> _restored = [];
    volatile bool _isAnothers;
    readonly Quota _quota;
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
        var threads = options.Limits.FillThreads > 0 ? options.Limits.FillThreads : Sched.OnlineCpus();
        _services = new BackendServices(_tree, options.Machine, new FillPool(threads), _jobs, _lending,
            loggers.CreateLogger("HostMemd.Backend"), _state);
        Apply(options);
        ObjectOptions = BackendTypes.All.ObjectOptions();
        _properties = new(_tree, _state);
        _objects = new(_services, _quota);
        _objects.Added += made =>
        {
            Log.ObjectAdded(_logger, made.Class.Name, made.Name, (made as HostMemoryBackend)?.Size ?? 0);
            HeldChanged?.Invoke();
        };
        _objects.Deleted += gone =>
        {
            Log.ObjectDeleted(_logger, gone.Class.Name, gone.Name);
            HeldChanged?.Invoke();
        };
        _keeper = new(_objects, _tree, _leases, store, _state, _logger);
        _acceptors = new(() => _sessions!, _logger);
        Commands = CommandsOf();
        var dispatcher = new Dispatcher(Commands, _state, _changes, _logger, loggers.CreateLogger("HostMemd.Audit"));
        _access = options.Access;
        Runner = dispatcher.RunAsync;
        _sessions = new(VersionInfo.Greeting, Runner, options.Limits.Wire, peer => AccessPolicy.RoleOf(peer, _access), loggers.CreateLogger("HostMemd.Protocol"))
        {
            Left = (_, others) => ClientLeft(others),
        };
        _quota.OtherDescriptors = () => _sessions.Count + _leases.BorrowerCount + _fdSets.Count + NamedDescriptors.Count + Closing.Open;
        MemoryEvents.Connect(_objects, _jobs, _leases, _sessions);
    }

    public CommandTable Commands { get; }

    /// <summary>For tests that run commands as a client does, or keep clients waiting.</summary>
    internal StateLock State => _state;

    /// <summary>Runs a command as for a client; for drivers without sockets.</summary>
    internal CommandRunner Runner { get; }

    /// <summary>The arguments of <c>object-add</c>.</summary>
    public QapiUnion ObjectOptions { get; }

    /// <summary>Completes when a client has said <c>quit</c>.</summary>
    public Task Quit => _quit.Task;

    /// <summary>Completes when another process has taken over: the files and the memory are its own now.</summary>
    public Task Left => _left.Task;

    CommandTable CommandsOf()
    {
        var table = new CommandTable();
        // One that found no memory is not remembered: the next who asks may find some.
        var schema = new Lazy<Value>(() => Schema.Of(table, Events.All), LazyThreadSafetyMode.PublicationOnly);
        var monitor = new Lazy<HumanMonitor>(() =>
            new(_tree, BackendTypes.All, ObjectOptions, _objects, _properties, _state, VersionInfo.Human) { Quit = () => BeginQuit() },
            LazyThreadSafetyMode.PublicationOnly);
        table.Add(SessionCommands.All(table, schema, quit: () => Announce(ShutdownReason.Quit), end: () => _quit.TrySetResult(),
            (line, owner) => monitor.Value.RunAsync(line, owner)));
        table.Add(ObjectCommands.All(_tree, _objects, ObjectOptions, _state));
        table.Add(QomCommands.All(_tree, BackendTypes.All, _properties));
        table.Add(DescriptorCommands.All(_fdSets));
        table.Add(JobCommands.All(_jobs, _tree));
        table.Add(StatsCommands.All(_tree, _leases, _search, _state));
        table.Add(LimitCommands.All(_quota, _jobs, () => _sessions!));
        table.Add(LeaseCommands.All(_leases, _lending, new(_tree, _leases, _search, _state)));
        table.Add(WatchCommands.All());
        table.Add(new TakeoverCommands(_keeper, _changes, _jobs, _acceptors, _state, () => _left.TrySetResult(), _logger).All());
        table.Add(YankCommands.All());
        return table;
    }

    /// <summary>Makes again what the process before this one had. Called first, and once.</summary>
    /// <param name="descriptors">What it left: by systemd's store, or by a takeover.</param>
    /// <param name="fromStore">By systemd's store.</param>
    internal async Task RestoreAsync(IReadOnlyList<PassedDescriptor> descriptors, bool fromStore)
    {
        _isAnothers = !fromStore;
        if (descriptors.Count > 0)
            await _keeper.RestoreAsync(descriptors, fromStore, new(_objects, _tree, _leases, _logger)).ConfigureAwait(false);
        using (_state.Enter())
            _restored = [.. _tree.Objects.Children.Select(c => c.Name)];
        _keeper.Begin();
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

    // What the process before had is kept as it is: the configuration is how objects begin, not how they go on.
    bool IsMissing(ObjectOptions configured)
    {
        using (_state.Enter())
        {
            if (!_restored.Contains(configured.Id))
                return true;
        }
        Log.ConfiguredIsThere(_logger, configured.Id);
        return false;
    }

    /// <summary>Accepts clients at that socket from now on.</summary>
    /// <param name="listener">The socket.</param>
    /// <param name="mode">How it speaks.</param>
    /// <param name="path">Its file, if it is ours.</param>
    public void Listen(Socket listener, SocketMode mode, string? path = null)
    {
        if (UnixAddress.Of(listener).IsAbstract)
            mode = mode with { Admits = peer => AccessPolicy.MayConnect(peer, _access) };
        _acceptors.Add(listener, mode, path);
    }

    /// <summary>The process that handed its memory over has left: it is ours to discard now.</summary>
    internal void Own() => _isAnothers = false;

    /// <summary>How many entries of another process wait for one that can read them.</summary>
    internal int Aside => _keeper.Aside;

    /// <summary>What <see cref="Held"/> says is different now. Raised with the state held.</summary>
    public event Action? HeldChanged;

    /// <summary>How many objects there are and how much memory they hold, in bytes.</summary>
    public (int Objects, ulong Bytes) Held()
    {
        using (_state.Enter())
        {
            var backends = _tree.Objects.Children.OfType<HostMemoryBackend>().ToArray();
            return (backends.Length, backends.Aggregate(0UL, (sum, b) => sum + b.Size));
        }
    }

    /// <summary>
    /// Stops accepting, answers what was received, lets go of all objects. What the descriptor store keeps, or another process has
    /// taken over, lives on; after <c>quit</c> nothing does.
    /// </summary>
    public async Task StopAsync()
    {
        var quits = _quit.Task.IsCompleted;
        if (!quits && !_left.Task.IsCompleted)
            Announce(ShutdownReason.Signal);
        await _acceptors.StopAsync().ConfigureAwait(false);
        await _sessions.StopAsync(s_patience).ConfigureAwait(false);
        await _objects.ReleaseAllAsync(keep: _left.Task.IsCompleted || _isAnothers || (_keeper.IsEnabled && !quits)).ConfigureAwait(false);
        if (quits)
            _keeper.Clear();
    }

    /// <summary>The command path is alive: the state can be had within that time. For the watchdog.</summary>
    public bool IsAlive(TimeSpan patience) => _state.CanBeHadWithin(patience);

    /// <summary>Takes over what may change while running: limits and access.</summary>
    public void Reload(HostMemdOptions options)
    {
        Apply(options);
        _sessions.Limits = options.Limits.Wire;
        Log.Reloaded(_logger);
    }

    void Apply(HostMemdOptions options)
    {
        _access = options.Access;
        using (_state.Enter())
        {
            _services.MemPaths = options.Access.MemPaths;
            _quota.MaxObjects = options.Limits.Objects;
            _quota.MaxBytes = options.Limits.BytesTotal;
            _quota.MaxBytesPerUid = options.Limits.BytesPerUid;
            _jobs.MaxFillings = options.Limits.Fillings;
        }
    }

    void BeginQuit()
    {
        Announce(ShutdownReason.Quit);
        _quit.TrySetResult();
    }

    void Announce(ShutdownReason reason) => Events.Shutdown.Send(_sessions, false, reason);

    void ClientLeft(int others)
    {
        if (others > 0)
            return;
        using (_state.Enter())
            _fdSets.Clear();
    }
}
