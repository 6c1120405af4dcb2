using HostMemd.Backend.Jobs;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Qom;
using HostMemd.Config;
using HostMemd.Protocol.Clients;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using static HostMemd.Protocol.Contract.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>The use of every limit.</summary>
static class LimitCommands
{
    static readonly Topic s_topic = new("Limits", "How much of each limit is used.");

    /// <param name="values">Returns the values in force.</param>
    /// <param name="use">Returns where the use is counted, for the user who asks.</param>
    public static IEnumerable<Command> All(Func<LimitValues> values, Func<uint, LimitUse> use) => s_topic.Of(Rows(values, use));

    static IEnumerable<Command> Rows(Func<LimitValues> values, Func<uint, LimitUse> use)
    {
        yield return Command("query-memdev-limits", "What is used of the limits. Those of a user are about the user who asks.",
            ListOf(MemdevLimit.Schema), call => List(values(), use(call.Client.Peer.Uid))).Extension().ForObservers()
            .Example("", """[{"name": "Clients", "used": 1, "max": 4096}, {"name": "ClientsPerUid", "used": 1}, "..."]""");
    }

    static IReadOnlyList<MemdevLimit> List(LimitValues values, LimitUse from) =>
    [
        .. LimitTable.All.Select(row => Of(values.InForce(row), row.Used(from))),
        Of(from.Quota.MaxMappings, from.Quota.Mappings.Used),
        Of(from.Quota.MaxDescriptors, from.Quota.DescriptorsUsed),
    ];

    static MemdevLimit Of(Limit limit, ulong used) => new() { Name = limit.Name, Used = used, Max = limit.Most == 0 ? null : limit.Most };
}
