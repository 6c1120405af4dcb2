using HostMemd.Backend.Jobs;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Prealloc;
using HostMemd.Protocol.Clients;

namespace HostMemd.Config;

/// <summary>Where the use of limits is counted.</summary>
/// <param name="Quota">Objects and bytes.</param>
/// <param name="Jobs">Fillings.</param>
/// <param name="Fillers">The threads that fill.</param>
/// <param name="Clients">Clients.</param>
/// <param name="Uid">The user who asks: limits of a user are about that one.</param>
sealed record LimitUse(Quota Quota, JobTable Jobs, FillPool Fillers, ClientRegistry Clients, uint Uid);
