using HostMemd.Protocol;
using HostMemd.Protocol.Wire;
using HostMemd.Start;

namespace HostMemd;

/// <summary>Which role a client has, by the credentials that the kernel noted when it connected.</summary>
static class AccessPolicy
{
    /// <summary>The role, or null for somebody who is not served at all.</summary>
    public static Role? RoleOf(PeerCredentials peer, AccessOptions access)
    {
        if (access.AdminUids.Contains(peer.Uid) || peer.IsInAny(access.AdminGids))
            return Role.Admin;
        return access.AnyoneObserves || access.ObserverUids.Contains(peer.Uid) || peer.IsInAny(access.ObserverGids) ? Role.Observer : null;
    }
}
