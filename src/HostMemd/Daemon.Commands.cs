using HostMemd.Backend.Objects;
using HostMemd.Commands;
using HostMemd.Events;
using HostMemd.Hmp;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Qmp;
using HostMemd.Qapi;
using HostMemd.Takeover;

namespace HostMemd;

// The list of commands.
public sealed partial class Daemon
{
    void AddCommands()
    {
        var table = Commands;
        // PublicationOnly: a failure for want of memory is not remembered, and the next client may succeed.
        var schema = new Lazy<Value>(() => Schema.Of(table, DaemonEvents.All), LazyThreadSafetyMode.PublicationOnly);
        var monitor = new Lazy<HmpMonitor>(() =>
            new(_tree, BackendTypes.All, ObjectOptions, _objects, _properties, _state, VersionInfo.Human) { Quit = BeginQuit },
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
        table.Add(new TakeoverCommands(_keeper, new(_tree, _leases), _changes, _jobs, _acceptors, _state,
            leave: () => End(Ending.HandedOver), _logger).All());
        table.Add(YankCommands.All());
    }
}
