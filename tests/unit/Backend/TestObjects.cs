using HostMemd.Backend.Jobs;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.Backend;

/// <summary>A tree with everything that makes, lends and deletes its objects, without a daemon around it.</summary>
sealed class TestObjects
{
    public TestObjects(MachineDefaults? machine = null)
    {
        machine ??= new();
        Tree = new(new MachineObject(machine));
        Options = BackendTypes.All.ObjectOptions();
        Leases = new(State);
        Lending = new(Tree, Leases, new(NullLogger.Instance), State);
        Services = new(Tree, machine, new FillPool(1), new JobTable(State), Lending, NullLogger.Instance, State);
        Objects = new(Services, new Quota(State));
        Changes = new(Tree, State);
    }

    public StateLock State { get; } = new();
    public QomTree Tree { get; }
    public QapiUnion Options { get; }
    public LeaseTable Leases { get; }
    public Lending Lending { get; }
    public BackendServices Services { get; }
    public ObjectRegistry Objects { get; }
    public PropertyChanges Changes { get; }

    public async Task<QomObject> AddAsync(string type, string id, params (string Name, Value Value)[] properties) =>
        await Objects.AddAsync(Options.Read(
            Value.Object([("qom-type", Value.From(type)), ("id", Value.From(id)), .. properties]), null));
}
