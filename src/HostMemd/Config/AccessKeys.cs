using HostMemd.Linux;

namespace HostMemd.Config;

/// <summary>The keys of the section <c>Access</c>.</summary>
static class AccessKeys
{
    const uint AllBits = 0x1FF; // 0777

    public static IReadOnlyList<SettingKey<AccessOptions>> All { get; } =
    [
        KeyForms.Ids("Access.AdminUids", "Users who may give all commands. Root and the daemon's own user may in any case.",
            Accounts.FindUser, (access, ids) => access with { AdminUids = [.. access.AdminUids.Union(ids)] }),
        KeyForms.Ids("Access.AdminGids", "Groups whose members may give all commands.", Accounts.FindGroup,
            (access, ids) => access with { AdminGids = ids }),
        KeyForms.Ids("Access.ObserverUids", "Users who may look but not touch. Both observer lists empty: all who can open the socket.",
            Accounts.FindUser, (access, ids) => access with { ObserverUids = ids }),
        KeyForms.Ids("Access.ObserverGids", "Groups whose members may look but not touch.", Accounts.FindGroup,
            (access, ids) => access with { ObserverGids = ids }),
        new()
        {
            Path = "Access.SocketMode",
            Form = "octal permission bits as a text",
            Default = "\"0600\"",
            Example = "\"0660\"",
            Doc = "The mode of a socket file that the daemon makes. Clients of an abstract socket are held against it too.",
            Reloads = true,
            Read = (access, section, name) => section.Octal(name, AllBits) is { } mode ? access with { SocketMode = mode } : access,
        },
        KeyForms.Id("Access.SocketOwner", "The owner of a socket file that the daemon makes.", Accounts.FindUser,
            (access, id) => access with { SocketOwner = id }),
        KeyForms.Id("Access.SocketGroup", "The group of a socket file that the daemon makes.", Accounts.FindGroup,
            (access, id) => access with { SocketGroup = id }),
        new()
        {
            Path = "Access.MemPaths",
            Form = "list of absolute paths",
            Default = "[]",
            Example = "[ \"/dev/shm\", \"/dev/hugepages\" ]",
            Doc = "Directories below which a `mem-path` must lie. Empty: anywhere.",
            Reloads = true,
            Read = (access, section, name) => section.Has(name) ? access with { MemPaths = section.Directories(name) } : access,
        },
    ];
}
