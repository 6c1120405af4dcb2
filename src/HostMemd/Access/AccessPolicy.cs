using HostMemd.Config;
using HostMemd.Linux;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Wire;

namespace HostMemd.Access;

/// <summary>The role of a client, by the credentials that the kernel recorded when it connected.</summary>
static class AccessPolicy
{
    /// <summary>
    /// Whether a client may connect to an abstract socket. The kernel checks no mode there, so any process of the network namespace can
    /// connect. The daemon checks the client's credentials against the mode and owner that a socket file would have.
    /// </summary>
    public static bool MayConnect(PeerCredentials peer, AccessOptions access)
    {
        // unix(7): connecting needs write permission. The first class that fits decides: path_resolution(7).
        const uint Write = 2;
        var shift = peer.Uid == (access.SocketOwner ?? Accounts.EffectiveUid) ? 6 : peer.IsInAny([access.SocketGroup ?? Accounts.EffectiveGid]) ? 3 : 0;
        return peer.Uid == 0 || (access.SocketMode >> shift & Write) != 0;
    }

    /// <summary>The client's role; null if it is not served at all.</summary>
    public static Role? RoleOf(PeerCredentials peer, AccessOptions access)
    {
        if (access.AdminUids.Contains(peer.Uid) || peer.IsInAny(access.AdminGids))
            return Role.Admin;
        return access.AnyoneObserves || access.ObserverUids.Contains(peer.Uid) || peer.IsInAny(access.ObserverGids) ? Role.Observer : null;
    }
}
