using HostMemd.Backend.Jobs;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
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
        Types = new QomTypes().Add(QomObject.BaseClass, Container.ContainerClass, HostMemoryBackend.BackendClass, RamBackend.RamClass,
            FileBackend.FileClass, MemfdBackend.MemfdClass, ShmBackend.ShmClass, MemoryRegionObject.RegionClass, ThreadContext.ContextClass);
        Options = Types.ObjectOptions();
        Leases = new(State);
        Lending = new(Tree, Leases, new(NullLogger.Instance), State);
        Environment = new(Tree, machine, new FillPool(1), new JobTable(State), Lending, NullLogger.Instance, State);
        Objects = new(Types, Environment);
    }

    public StateLock State { get; } = new();
    public QomTree Tree { get; }
    public QomTypes Types { get; }
    public QapiUnion Options { get; }
    public LeaseTable Leases { get; }
    public Lending Lending { get; }
    public QomEnvironment Environment { get; }
    public ObjectFactory Objects { get; }

    public async Task<QomObject> AddAsync(string type, string id, params (string Name, Value Value)[] properties) =>
        await Objects.AddAsync(Options.Read(
            Value.Object([("qom-type", Value.From(type)), ("id", Value.From(id)), .. properties]), null));
}
