using HostMemd.Linux;

namespace HostMemd.Config;

/// <summary>Which clients may do what. A client is an admin when any admin list has it, else an observer when it may be one.</summary>
public sealed record AccessOptions
{
    static readonly uint s_own = Accounts.EffectiveUid;
    static readonly uint[] s_always = s_own == 0 ? [0] : [0, s_own];

    /// <summary>
    /// Users who are admins: root and the daemon's own user, who can stop the daemon and read its memory in any case, and those that are
    /// configured.
    /// </summary>
    public IReadOnlyList<uint> AdminUids { get; init; } = s_always;

    /// <summary>Groups whose members are admins.</summary>
    public IReadOnlyList<uint> AdminGids { get; init; } = [];

    /// <summary>With <see cref="ObserverGids"/>: which others are served. Both empty: all clients that can open the socket.</summary>
    public IReadOnlyList<uint> ObserverUids { get; init; } = [];

    /// <summary>Groups whose members are observers.</summary>
    public IReadOnlyList<uint> ObserverGids { get; init; } = [];

    /// <summary>Whether a client that is neither admin nor on an observer list is an observer.</summary>
    public bool AnyoneObserves => ObserverUids.Count == 0 && ObserverGids.Count == 0;

    /// <summary>Permission bits of a socket file that the daemon makes. QEMU leaves them to the umask; memory deserves better.</summary>
    public uint SocketMode { get; init; } = 0x180; // 0600

    /// <summary>Owner of such a file; null: the user that the daemon runs as.</summary>
    public uint? SocketOwner { get; init; }

    /// <summary>Group of such a file; null: the group that the daemon runs as.</summary>
    public uint? SocketGroup { get; init; }

    /// <summary>Directories below which a <c>mem-path</c> must lie, absolute; empty: anywhere.</summary>
    public IReadOnlyList<string> MemPaths { get; init; } = [];
}
