using HostMemd.Linux;
using HostMemd.Protocol;
using HostMemd.Protocol.Wire;
using HostMemd.Start;

namespace HostMemd;

/// <summary>Which role a client has, by the credentials that the kernel noted when it connected.</summary>
static class AccessPolicy
{
    /// <summary>
    /// Whether a client may connect to an abstract socket. Such a name has no mode that the kernel could look at, and any process of the
    /// network namespace can connect: the mode and owner that a socket file would have are held against the client's credentials instead.
    /// </summary>
    public static bool MayConnect(PeerCredentials peer, AccessOptions access)
    {
        // unix(7): connecting needs write permission. One class decides, the first that fits: path_resolution(7).
        const uint Write = 2;
        var shift = peer.Uid == (access.SocketOwner ?? Accounts.EffectiveUid) ? 6 : peer.IsInAny([access.SocketGroup ?? Accounts.EffectiveGid]) ? 3 : 0;
        return peer.Uid == 0 || (access.SocketMode >> shift & Write) != 0;
    }

    /// <summary>The role, or null for somebody who is not served at all.</summary>
    public static Role? RoleOf(PeerCredentials peer, AccessOptions access)
    {
        if (access.AdminUids.Contains(peer.Uid) || peer.IsInAny(access.AdminGids))
            return Role.Admin;
        return access.AnyoneObserves || access.ObserverUids.Contains(peer.Uid) || peer.IsInAny(access.ObserverGids) ? Role.Observer : null;
    }
}
