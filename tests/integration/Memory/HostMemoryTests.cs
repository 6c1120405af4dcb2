using System.Globalization;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Memory;

/// <summary>What the daemon says of the host, beside the kernel's own files.</summary>
[Collection(nameof(Machine))]
public sealed class HostMemoryTests(ITestOutputHelper output) : DaemonTest(output)
{
    const string Nodes = "/sys/devices/system/node";

    [FactIf(Need.Numa)]
    public void Nodes_AreTheKernels()
    {
        var nodes = Connect().Ok("query-memdev-host").GetProperty("nodes").EnumerateArray().ToArray();

        Assert.NotEmpty(nodes);
        Assert.All(nodes, node =>
        {
            var number = node.GetProperty("node").GetInt32();
            var line = File.ReadLines($"{Nodes}/node{number}/meminfo").Single(l => l.Contains("MemTotal:", StringComparison.Ordinal));
            var total = ulong.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) << 10;
            Assert.Equal(total, node.GetProperty("total").GetUInt64());
            Assert.InRange(node.GetProperty("free").GetUInt64(), 1ul, total);
        });
    }

    [FactIf(Need.HugePages)]
    public void HugePages_AreTheKernels_OfTheHostAndOfEachNode()
    {
        var host = Connect().Ok("query-memdev-host");

        var pools = host.GetProperty("hugepages").EnumerateArray().Where(p => p.GetProperty("size").GetUInt64() == 2 << 20).ToArray();
        var whole = pools.Single(p => !p.TryGetProperty("node", out _));
        Assert.Equal(Number("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"), whole.GetProperty("total").GetUInt64());
        Assert.InRange(whole.GetProperty("free").GetUInt64(), 4ul, whole.GetProperty("total").GetUInt64());
        Assert.True(whole.TryGetProperty("reserved", out _));
        Assert.Equal(host.GetProperty("nodes").GetArrayLength(), pools.Length - 1);
        Assert.All(pools.Where(p => p.TryGetProperty("node", out _)), p => Assert.False(p.TryGetProperty("reserved", out _)));
    }

    [FactIf(Need.Ksm)]
    public void Ksm_IsTheKernels()
    {
        var ksm = Connect().Ok("query-memdev-host").GetProperty("ksm");

        Assert.Equal(Number("/sys/kernel/mm/ksm/run") == 1, ksm.GetProperty("running").GetBoolean());
        Assert.True(ksm.TryGetProperty("sharing", out _));
    }

    static ulong Number(string file) => ulong.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture);
}
