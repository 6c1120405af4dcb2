using HostMemd.Access;
using HostMemd.Backend.Jobs;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
using HostMemd.Commands;
using HostMemd.Config;
using HostMemd.Dispatch;
using HostMemd.Events;
using HostMemd.Linux;
using HostMemd.Persistence;
using HostMemd.Protocol.Clients;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Qmp;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Rpc;
using HostMemd.Sockets;
using HostMemd.Systemd;
using Microsoft.Extensions.Logging;

namespace HostMemd;

/// <summary>
/// The daemon put together: objects, jobs, leases, persistence, commands, clients. The parts know each other only by what this class hands
/// them. The process around it, with command line, pid file, sockets and signals, is <see cref="HostMemdService"/>'s.
/// </summary>
public sealed partial class Daemon
{
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
        _search = new(loggers.CreateLogger("HostMemd.Backend")) { Storekeeper = store.Keeper };
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
        _acceptors = new(
        [
            new SessionHost(VersionInfo.Greeting, Runner, _clients),
            new RpcFrontEnd(_clients, Commands, DaemonEvents.All, Runner, VersionInfo.Own, loggers.CreateLogger("HostMemd.Rpc")),
        ], _logger);
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

    /// <summary>The <see cref="Totals"/> are different now. Raised with the state held.</summary>
    internal event Action? TotalsChanged;
}
