using HostMemd.Backend.Jobs;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
using HostMemd.Human;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.Human;

/// <summary>A monitor with a tree of its own.</summary>
sealed class TestMonitor
{
    public TestMonitor()
    {
        var state = new StateLock();
        var defaults = new MachineDefaults();
        var tree = new QomTree(new MachineObject(defaults));
        var types = new QomTypes().Add(QomObject.BaseClass, Container.ContainerClass, HostMemoryBackend.BackendClass, RamBackend.RamClass,
            FileBackend.FileClass, MemfdBackend.MemfdClass, ShmBackend.ShmClass, MemoryRegionObject.RegionClass,
            ThreadContext.ContextClass);
        var environment = new QomEnvironment(tree, defaults, new FillPool(1), new JobTable(state), new LeaseTable(state),
            new HolderSearch(NullLogger.Instance), NullLogger.Instance, state);
        Human = new(tree, types, types.ObjectOptions(), new ObjectFactory(types, environment), state, "11.1.2test");
    }

    public HumanMonitor Human { get; }

    /// <summary>Runs the lines and returns what the last one prints; those before it must print nothing.</summary>
    public async Task<string> RunAsync(params string[] lines)
    {
        foreach (var line in lines[..^1])
            Assert.Equal("", await Human.RunAsync(line));
        return await Human.RunAsync(lines[^1]);
    }
}
