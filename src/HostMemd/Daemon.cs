using System.Net.Sockets;
using HostMemd.Backend.Jobs;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Linux;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
using HostMemd.Commands;
using HostMemd.Human;
using HostMemd.Protocol;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging;

namespace HostMemd;

/// <summary>
/// The daemon put together: the classes, the tree, the commands, the clients. It knows no command line, no systemd and no signals.
/// </summary>
public sealed class Daemon
{
    // Whoever is not served by then is cut off at the end.
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    readonly Lock _state = new();
    readonly QomTree _tree;
    readonly JobTable _jobs = new();
    readonly LeaseTable _leases;
    readonly HolderSearch _holders;
    readonly ObjectFactory _objects;
    readonly FdSets _fdSets = new();
    readonly SessionHost _sessions;
    readonly CancellationTokenSource _accepting = new();
    readonly TaskCompletionSource _quit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    readonly HostMemdOptions _options;
    readonly ILogger _logger;

    public Daemon(HostMemdOptions options, ILoggerFactory loggers)
    {
        _options = options;
        _logger = loggers.CreateLogger("HostMemd");
        _tree = new(new MachineObject(options.Machine));
        _leases = new(_state);
        _holders = new(loggers.CreateLogger("HostMemd.Backend"));
        var environment = new QomEnvironment(_tree, options.Machine, new FillPool(Sched.OnlineCpus()), _jobs, _leases, _holders,
            loggers.CreateLogger("HostMemd.Backend"), _state);
        ObjectOptions = Types.ObjectOptions();
        _objects = new(Types, environment);
        _objects.Added += made => Log.ObjectAdded(_logger, made.Class.Name, made.Name, (made as HostMemoryBackend)?.Size ?? 0);
        _objects.Deleted += gone => Log.ObjectDeleted(_logger, gone.Class.Name, gone.Name);
        Commands = CommandsOf();
        var dispatcher = new Dispatcher(Commands, _state, _logger);
        var limits = new WireLimits();
        _sessions = new(VersionInfo.Greeting, dispatcher.RunAsync, limits, _ => Role.Admin, loggers.CreateLogger("HostMemd.Protocol"))
        {
            Left = (_, others) => ClientLeft(others),
        };
        MemoryEvents.Connect(_objects, _jobs, _leases, _sessions);
    }

    /// <summary>The classes: what can be made and what is derived from what.</summary>
    public QomTypes Types { get; } = new QomTypes().Add(
        QomObject.BaseClass, Container.ContainerClass, MemoryRegionObject.RegionClass, QomObject.UserCreatable,
        MachineObject.MachineClass, MachineObject.NoneClass,
        HostMemoryBackend.BackendClass, RamBackend.RamClass, FileBackend.FileClass, MemfdBackend.MemfdClass, ShmBackend.ShmClass,
        ThreadContext.ContextClass);

    public CommandTable Commands { get; }

    /// <summary>The arguments of <c>object-add</c>.</summary>
    public QapiUnion ObjectOptions { get; }

    /// <summary>Completes when a client has said <c>quit</c>.</summary>
    public Task Quit => _quit.Task;

    CommandTable CommandsOf()
    {
        var table = new CommandTable();
        var schema = new Lazy<Value>(() => Schema.Of(table, Events.All));
        var monitor = new HumanMonitor(_tree, Types, ObjectOptions, _objects, _state, VersionInfo.Human) { Quit = () => BeginQuit() };
        table.Add([.. SessionCommands.All(table, schema, quit: () => Announce(ShutdownReason.Quit), end: () => _quit.TrySetResult(),
            monitor.RunAsync)]);
        table.Add([.. ObjectCommands.All(_tree, _objects, ObjectOptions)]);
        table.Add([.. QomCommands.All(_tree, Types, _state)]);
        table.Add([.. DescriptorCommands.All(_fdSets)]);
        table.Add([.. JobCommands.All(_jobs, _tree)]);
        table.Add([.. StatsCommands.All(_tree, _leases, _holders, _state)]);
        table.Add([.. LeaseCommands.All(_tree, _leases, _holders, _state)]);
        table.Add([.. WatchCommands.All()]);
        table.Add([.. YankCommands.All()]);
        return table;
    }

    /// <summary>Makes the objects of the command line and the configuration, in their order.</summary>
    /// <exception cref="QmpException">One cannot be made; the caller ends the daemon.</exception>
    public async Task AddConfiguredObjectsAsync()
    {
        // Read one by one: the first fault is told before anything behind it is looked at.
        await _objects.AddAllAsync(_options.Objects.Select(o => ObjectOptions.Read(o.ToValue(ObjectOptions), null))).ConfigureAwait(false);
    }

    /// <summary>Accepts clients at that socket from now on.</summary>
    public void Listen(Socket listener, SocketMode mode) =>
        _ = new UnixListener(listener, mode, _sessions, _logger).RunAsync(_accepting.Token);

    /// <summary>How many objects there are and how much memory they hold, in bytes.</summary>
    public (int Objects, ulong Bytes) Held()
    {
        lock (_state)
        {
            var backends = _tree.Objects.Children.OfType<HostMemoryBackend>().ToArray();
            return (backends.Length, backends.Aggregate(0UL, (sum, b) => sum + b.Size));
        }
    }

    /// <summary>Stops accepting, answers what was received, releases all objects.</summary>
    public async Task StopAsync()
    {
        if (!_quit.Task.IsCompleted)
            Announce(ShutdownReason.Signal);
        await _accepting.CancelAsync().ConfigureAwait(false);
        await _sessions.StopAsync(s_patience).ConfigureAwait(false);
        await _objects.DeleteAllAsync().ConfigureAwait(false);
    }

    /// <summary>Takes over what may change while running: limits and access.</summary>
    public void Reload(HostMemdOptions options) => Log.Reloaded(_logger);

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
        lock (_state)
            _fdSets.Clear();
    }
}
