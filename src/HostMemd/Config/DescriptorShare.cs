using HostMemd.Linux;
using HostMemd.Protocol.Wire;

namespace HostMemd.Config;

/// <summary>
/// How the descriptors of RLIMIT_NOFILE, which .NET has raised as far as it may, are divided. The runtime's own come and go by tens, a
/// takeover's by hundreds. Half of the daemon's share is for descriptors that clients sent and that are not closed yet: with 512 all of a
/// message's descriptors have room.
/// </summary>
static class DescriptorShare
{
    const ulong MostOwn = 1024;

    static readonly ulong s_all = Rlimit.Get(Rlimit.RLIMIT_NOFILE, out var most, out _).Ok ? Math.Min(most, int.MaxValue) : int.MaxValue;
    static readonly ulong s_own = Math.Min(MostOwn, s_all / 4);

    /// <summary>The limits with the clients' share.</summary>
    public static WireLimits Of(WireLimits limits) =>
        limits with { Descriptors = (long)(s_all - s_own), ClosingDescriptors = (int)(s_own / 2) };
}
