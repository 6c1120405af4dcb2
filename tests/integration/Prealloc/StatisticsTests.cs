using System.Diagnostics;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Prealloc;

/// <summary>query-memdev-stats beside what the kernel reports of the daemon.</summary>
[Collection(nameof(Harness.Machine))]
public sealed class StatisticsTests(ITestOutputHelper output) : DaemonTest(output)
{
    const ulong Size = 20 << 20;

    Talk Talk() => Keep(new Talk(Daemon));

    [Theory]
    [InlineData("ram")]
    [InlineData("memfd")]
    [InlineData("shm")]
    public void Resident_IsWhatSmapsSays(string type)
    {
        var client = Talk();
        client.Add(type, "m", Size, new() { ["dump"] = false });
        Assert.Equal(0ul, client.Stats("m").GetProperty("resident").GetUInt64());

        client.Ask("qom-set", new() { ["path"] = "m", ["property"] = "prealloc", ["value"] = true });

        var (mapping, stats) = (new ProcMemory(Daemon.Pid).Backend(Size), client.Stats("m"));
        Assert.Equal(mapping.Resident, stats.GetProperty("resident").GetUInt64());
        Assert.Equal(Size, mapping.Resident);
        Assert.Equal(mapping.Figures["AnonHugePages"] + mapping.Figures["ShmemPmdMapped"], stats.GetProperty("huge").GetUInt64());
        Assert.Equal(mapping.Figures["Swap"], stats.GetProperty("swapped").GetUInt64());
        Assert.Equal(Size, (ulong)stats.GetProperty("nodes").EnumerateArray().Sum(n => n.GetProperty("bytes").GetInt64()));
        Assert.Contains("dd", mapping.Flags);
        Assert.False(stats.GetProperty("dump").GetProperty("effective").GetBoolean());
    }

    [Fact]
    public void Resident_CountsPagesThatOthersTouched()
    {
        var client = Talk();
        client.Add("memfd", "m", Size);
        using (var memory = new ProcMemory(Daemon.Pid).Single("memfd:memory-backend-memfd").Open())
            RandomAccess.Write(memory, new byte[3 << 20], 0);

        Assert.Equal(3ul << 20, client.Stats("m").GetProperty("resident").GetUInt64());
    }

    [Fact]
    public void Merge_HasAReason_WhenTheWishHasNoEffect()
    {
        var client = Talk();
        client.Add("ram", "p", Size, new() { ["merge"] = true });
        client.Add("memfd", "s", Size, new() { ["merge"] = true });
        client.Add("ram", "n", Size, new() { ["merge"] = false });

        var shared = client.Stats("s").GetProperty("merge");
        Assert.False(shared.GetProperty("effective").GetBoolean());
        Assert.Equal("shared memory is not merged", shared.GetProperty("reason").GetString());
        Assert.False(client.Stats("n").GetProperty("merge").TryGetProperty("reason", out _));
        var own = client.Stats("p").GetProperty("merge");
        Assert.NotEqual(own.GetProperty("effective").GetBoolean(), own.TryGetProperty("reason", out _));
    }

    [FactIf(Need.Ksm)]
    public void Merge_IsEffective_AndCountsItsBytes_WhenTheKernelMerges()
    {
        const string Ksm = "/sys/kernel/mm/ksm/";
        string[] names = ["pages_to_scan", "sleep_millisecs", "run"];
        var before = names.Select(n => File.ReadAllText(Ksm + n)).ToArray();
        var client = Talk();
        client.Add("ram", "m", Size, new() { ["merge"] = true });
        try
        {
            File.WriteAllText(Ksm + "pages_to_scan", "20000");
            File.WriteAllText(Ksm + "sleep_millisecs", "10");
            File.WriteAllText(Ksm + "run", "1");
            var page = new byte[Size];
            page.AsSpan().Fill((byte)'x');
            using (var memory = File.OpenHandle($"/proc/{Daemon.Pid}/mem", FileMode.Open, FileAccess.ReadWrite))
                RandomAccess.Write(memory, page, (long)new ProcMemory(Daemon.Pid).Backend(Size).Start);

            Eventually.True(() => client.Stats("m").GetProperty("merge") is var merge && merge.GetProperty("effective").GetBoolean()
                && merge.TryGetProperty("merging-bytes", out var bytes) && bytes.GetUInt64() == Size, "all pages merged");
            Assert.Equal(Size, new ProcMemory(Daemon.Pid).Backend(Size).Figures["KSM"]);
        }
        finally
        {
            File.WriteAllText(Ksm + "run", "2");
            for (var i = 0; i < names.Length; i++)
                File.WriteAllText(Ksm + names[i], before[i]);
        }
    }

    [Fact]
    public void AThousandObjects_CostMilliseconds()
    {
        var client = Talk();
        for (var i = 0; i < 1000; i++)
            client.Add(i % 2 == 0 ? "ram" : "memfd", $"m{i}", 1 << 20);
        client.Ask("query-memdev-stats");
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => $"m{i}"), client.Ask("query-memdev").EnumerateArray().Select(m => m.GetProperty("id").GetString()));

        var best = TimeSpan.MaxValue;
        for (var i = 0; i < 10; i++)
        {
            var watch = Stopwatch.StartNew();
            Assert.Equal(1000, client.Ask("query-memdev-stats").GetArrayLength());
            best = watch.Elapsed < best ? watch.Elapsed : best;
        }

        Output.WriteLine($"query-memdev-stats of 1000 objects: {best.TotalMilliseconds:F1} ms");
        Assert.True(best < TimeSpan.FromMilliseconds(250), $"{best}");
    }
}
