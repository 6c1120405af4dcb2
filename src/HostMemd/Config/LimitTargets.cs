using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
using HostMemd.Protocol.Wire;

namespace HostMemd.Config;

/// <summary>The parts of the daemon that keep to limits.</summary>
/// <param name="Quota">Counts objects, bytes and fillings.</param>
/// <param name="Fillers">Has the threads that fill.</param>
sealed record LimitTargets(Quota Quota, FillPool Fillers)
{
    /// <summary>What clients may cost: taken over by the front ends.</summary>
    public WireLimits Wire { get; set; } = DescriptorShare.Of(new());
}
