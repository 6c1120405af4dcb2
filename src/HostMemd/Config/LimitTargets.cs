using HostMemd.Backend.Jobs;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Prealloc;
using HostMemd.Protocol.Wire;

namespace HostMemd.Config;

/// <summary>The parts of the daemon that keep to limits.</summary>
/// <param name="Quota">Counts objects and bytes.</param>
/// <param name="Jobs">Counts fillings.</param>
/// <param name="Fillers">Has the threads that fill.</param>
sealed record LimitTargets(Quota Quota, JobTable Jobs, FillPool Fillers)
{
    /// <summary>What clients may cost: taken over by the front ends.</summary>
    public WireLimits Wire { get; set; } = DescriptorShare.Of(new());
}
