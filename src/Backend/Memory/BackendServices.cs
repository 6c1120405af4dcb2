using HostMemd.Backend.Jobs;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Prealloc;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging;

namespace HostMemd.Backend.Qom;

/// <summary>What every object may use: the tree, for links; the defaults; the threads that fill memory.</summary>
public sealed record QomEnvironment(
    QomTree Tree, MachineDefaults Machine, FillPool Fillers, JobTable Jobs, IMemoryUsers Users,
    ILogger Logger, StateLock State)
{
    /// <summary>How much there may be.</summary>
    public Quota Quota { get; init; } = new(State);

    /// <summary>Directories below which files must lie; empty: anywhere.</summary>
    public IReadOnlyList<string> MemPaths { get; set; } = [];
}
