using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Qapi;

/// <summary>What a client may do.</summary>
public enum MemdevRole { Observer, Admin }

/// <summary>The asking client as the daemon sees it, from <c>query-memdev-session</c>.</summary>
public sealed class MemdevSession
{
    public MemdevRole Role { get; set; }
    public uint Uid { get; set; }
    public uint Gid { get; set; }
    public long Pid { get; set; }
    public long Since { get; set; }

    public static QapiEnum<MemdevRole> RoleType { get; } =
        new("MemdevRole", ("observer", MemdevRole.Observer), ("admin", MemdevRole.Admin));

    public static QapiStruct<MemdevSession> Schema { get; } = new("MemdevSession", rows => rows
        .Row("role", RoleType, "Admins may give all commands, observers those that change nothing.", s => s.Role, (s, v) => s.Role = v)
        .Row("uid", U32, "The user who connected.", s => s.Uid, (s, v) => s.Uid = v)
        .Row("gid", U32, "That user's group.", s => s.Gid, (s, v) => s.Gid = v)
        .Row("pid", Int, "The process that connected; 0 for one of another pid namespace, which has no number here.",
            s => s.Pid, (s, v) => s.Pid = v)
        .Row("since", UnixTime, "When it connected.", s => s.Since, (s, v) => s.Since = v));
}
