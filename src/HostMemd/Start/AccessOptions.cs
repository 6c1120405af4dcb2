using HostMemd.Linux;

namespace HostMemd.Start;

/// <summary>Who may do what. A client is an admin when any admin list has it, else an observer when it may be one.</summary>
public sealed record AccessOptions
{
    /// <summary>Root and the daemon's own user: whoever can stop the daemon or read its memory needs no permission of ours.</summary>
    public IReadOnlyList<uint> AdminUids { get; init; } = OwnUid == 0 ? [0] : [0, OwnUid];

    public IReadOnlyList<uint> AdminGids { get; init; } = [];

    /// <summary>With <see cref="ObserverGids"/>: who else is served. Both empty: everyone who can open the socket.</summary>
    public IReadOnlyList<uint> ObserverUids { get; init; } = [];

    public IReadOnlyList<uint> ObserverGids { get; init; } = [];

    /// <summary>Whether somebody who is neither admin nor on an observer list may look.</summary>
    public bool AnyoneObserves => ObserverUids.Count == 0 && ObserverGids.Count == 0;

    /// <summary>Permission bits of a socket file that the daemon makes. QEMU leaves them to the umask; memory deserves better.</summary>
    public uint SocketMode { get; init; } = 0x180; // 0600

    /// <summary>Owner of such a file; null: whom the daemon runs as.</summary>
    public uint? SocketOwner { get; init; }

    public uint? SocketGroup { get; init; }

    /// <summary>Directories below which a <c>mem-path</c> must lie, absolute; empty: anywhere.</summary>
    public IReadOnlyList<string> MemPaths { get; init; } = [];

    static uint OwnUid { get; } = Accounts.EffectiveUid;

    internal static AccessOptions Read(ConfigSection section)
    {
        var defaults = new AccessOptions();
        return new()
        {
            AdminUids = [.. defaults.AdminUids.Union(section.Ids("AdminUids", Accounts.FindUser))],
            AdminGids = section.Ids("AdminGids", Accounts.FindGroup),
            ObserverUids = section.Ids("ObserverUids", Accounts.FindUser),
            ObserverGids = section.Ids("ObserverGids", Accounts.FindGroup),
            SocketMode = section.Octal("SocketMode", 0x1FF) ?? defaults.SocketMode,
            SocketOwner = section.Id("SocketOwner", Accounts.FindUser),
            SocketGroup = section.Id("SocketGroup", Accounts.FindGroup),
            MemPaths = section.Directories("MemPaths"),
        };
    }
}
