using HostMemd.Backend.Jobs;
using HostMemd.Backend.Objects;
using HostMemd.Protocol;
using HostMemd.Qapi;
using static HostMemd.Protocol.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>What is used of what there may be.</summary>
static class LimitCommands
{
    static readonly Topic s_topic = new("Limits", "How much of each limit is used.");

    sealed class Limit
    {
        public string Name { get; set; } = "";
        public ulong Used { get; set; }
        public ulong? Max { get; set; }
    }

    static readonly QapiStruct<Limit> s_limit = new("MemdevLimit", rows => rows
        .Row("name", Str, "The limit, as in the configuration, or the kernel's name for it.", l => l.Name, (l, v) => l.Name = v)
        .Row("used", U64, "How much is used now: bytes where the name says so, else a count.", l => l.Used, (l, v) => l.Used = v)
        .Opt("max", U64, "How much there may be, in the same unit; absent where there is no limit.", l => l.Max, (l, v) => l.Max = v));

    public static IEnumerable<Command> All(Quota quota, JobTable jobs, Func<SessionHost> sessions) =>
        s_topic.Of(Rows(quota, jobs, sessions));

    static IEnumerable<Command> Rows(Quota quota, JobTable jobs, Func<SessionHost> sessions)
    {
        yield return Command("query-memdev-limits", "What is used of the limits. Those of a user are about the user who asks.",
            ListOf(s_limit), call => (IReadOnlyList<Limit>)
        [
            Of("Clients", (ulong)sessions().Count, (ulong)sessions().Limits.Clients),
            Of("ClientsPerUid", (ulong)sessions().Sessions.Count(s => s.Peer.Uid == call.Session.Peer.Uid), (ulong)sessions().Limits.ClientsPerUid),
            Of("Silent", (ulong)sessions().Sessions.Count(s => !s.IsNegotiated), (ulong)sessions().Limits.Silent),
            Of("UnfinishedBytes", (ulong)sessions().UnfinishedBytes, (ulong)sessions().Limits.UnfinishedBytes),
            Of("Objects", (ulong)quota.Objects, (ulong)quota.MaxObjects),
            Of("BytesPerUid", quota.BytesOf(call.Session.Peer.Uid), quota.MaxBytesPerUid),
            Of("BytesTotal", quota.Bytes, quota.MaxBytes),
            Of("Fillings", (ulong)jobs.All.Count(j => j.Status < JobStatus.Concluded), (ulong)jobs.MaxFillings),
            Of("vm.max_map_count", quota.Mappings.Used, quota.Mappings.Max),
            Of("RLIMIT_NOFILE", quota.DescriptorsUsed, quota.MaxDescriptors),
        ]).Extension().ForObservers()
            .Example("", """[{"name": "Clients", "used": 1, "max": 4096}, {"name": "ClientsPerUid", "used": 1}, "..."]""");
    }

    static Limit Of(string name, ulong used, ulong max) => new() { Name = name, Used = used, Max = max == 0 ? null : max };
}
