using HostMemd.Backend.Jobs;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging;

namespace HostMemd.Backend.Memory;

/// <summary>What every backend may use.</summary>
/// <param name="Tree">All objects, for links.</param>
/// <param name="Machine">Initial values of properties.</param>
/// <param name="Fillers">The threads that fill memory.</param>
/// <param name="Jobs">The fillings under way. Used with the state held.</param>
/// <param name="Users">Knows the other users of memory.</param>
/// <param name="Logger">The log of the backends.</param>
/// <param name="State">The lock that owns all of this.</param>
public sealed record BackendServices(
    QomTree Tree, MachineDefaults Machine, FillPool Fillers, JobTable Jobs, IMemoryUsers Users, ILogger Logger, StateLock State)
{
    /// <summary>Directories below which files must lie; empty: anywhere.</summary>
    public IReadOnlyList<string> MemPaths { get; set; } = [];
}
