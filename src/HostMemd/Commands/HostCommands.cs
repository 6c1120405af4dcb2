using HostMemd.Linux;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using static HostMemd.Protocol.Contract.Define;

namespace HostMemd.Commands;

/// <summary>The host's memory, as the daemon sees it.</summary>
static class HostCommands
{
    static readonly Topic s_topic = new("The host", "The host's memory, as the daemon sees it.");

    public static IEnumerable<Command> All() => s_topic.Of(Rows());

    static IEnumerable<Command> Rows()
    {
        // Reads a file for each node and pool: without the state, which other clients need.
        yield return Slow("query-memdev-host", "The host's memory: nodes, pools of huge pages, merging of equal pages.", MemdevHost.Schema,
            _ => ValueTask.FromResult(Read())).Extension().ForObservers()
            .Example("", """{"nodes": "<nodes>", "hugepages": "<pools>", "...": "..."}""");
    }

    static MemdevHost Read()
    {
        var nodes = Sysfs.MemoryNodes();
        return new()
        {
            Nodes = [.. nodes.Select(n => new MemdevHostNode { Node = n, Total = Sysfs.TotalMemory(n), Free = Sysfs.FreeMemory(n) })],
            HugePages = [.. Sysfs.HugePageSizes().SelectMany(size => nodes.Select(n => Of(size, n)).Prepend(Of(size, null)))],
            Ksm = Sysfs.Ksm("run") is { } run ? Merging(run) : null,
        };
    }

    static MemdevHostHugePages Of(ulong size, int? node)
    {
        var pool = Sysfs.Pool(size, node);
        return new()
        {
            Size = size,
            Node = node,
            Total = pool.Total,
            Free = pool.Free,
            Reserved = node is null ? pool.Reserved : null,
            Surplus = pool.Surplus,
        };
    }

    static MemdevHostKsm Merging(string run)
    {
        return new() { Running = run.Trim() == "1", Shared = Pages("pages_shared"), Sharing = Pages("pages_sharing") };

        static ulong Pages(string file) => ulong.TryParse(Sysfs.Ksm(file), out var pages) ? pages * Host.PageSize : 0;
    }
}
