using System.Diagnostics;
using System.Text.RegularExpressions;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Clients;

/// <summary>One client moves gigabytes; no other client notices (contract § 2).</summary>
[Collection(nameof(Machine))]
public sealed class NeverBlockedTests(ITestOutputHelper output) : DaemonTest(output)
{
    const ulong GiB = 1ul << 30;

    // This does not measure speed, because the machine runs other tests. QEMU's clients wait for the whole filling.
    static readonly TimeSpan s_generous = TimeSpan.FromSeconds(1);
    static readonly TimeSpan s_filling = TimeSpan.FromMinutes(3);

    /// <summary>8 GiB, or less, so that a quarter of the machine's memory stays free.</summary>
    static ulong Large => Math.Min(8 * GiB, ProcMemory.MemInfo("MemAvailable") / 4 * 3 / GiB * GiB);

    ProcMemory Memory => new(Daemon.Pid);

    void AwaitFilling() => Eventually.True(() => Memory.Status("VmRSS") > GiB / 2, "the filling to begin");

    /// <summary>
    /// The trimmer of ReadyToRun once removed the end of a lock that is taken when a client has left. A client that another thread accepted
    /// then never received a greeting. The test means most with the published daemon, at its start, when several threads accept.
    /// </summary>
    [Fact]
    public void ClientsThatLeaveAtOnce_KeepNobodyFromTheGreeting()
    {
        for (var start = 0; start < 20; start++)
        {
            using var daemon = DaemonProcess.Start(prepare: null);
            for (var client = 0; client < 20; client++)
                daemon.Connect().Dispose();
        }
    }

    [TheoryIf(Need.ThreeGiBFree)]
    [InlineData("memory-backend-ram")]
    [InlineData("memory-backend-memfd")]
    public void ObjectAdd_WithPrealloc_DelaysNobodyElse(string type)
    {
        using var filler = Daemon.Connect();
        using var other = Daemon.Connect();
        other.Add("memory-backend-ram", "small", new() { ["size"] = 4096 });

        filler.Send(QmpClient.AddText(type, "large", new() { ["size"] = Large, ["prealloc"] = true }) + "\n");
        AwaitFilling();

        // The id is taken, and the object is not visible.
        Assert.Equal("attempt to add duplicate property 'large' to object (type 'container')",
            other.AddRefused("memory-backend-ram", "large", new() { ["size"] = 4096 }));
        Assert.Equal("Device '/objects/large' not found",
            other.Refused("qom-get", new() { ["path"] = "/objects/large", ["property"] = "size" }));
        Assert.Equal("object 'large' not found", other.Refused("object-del", new() { ["id"] = "large" }));
        Assert.Equal(["small"], other.Memdevs());
        using (var third = Daemon.Connect())
            third.Ok("query-version");
        Assert.Null(filler.TryLine(TimeSpan.Zero));
        AskWhile(filler, other, out var answered, out var longest);

        Output.WriteLine($"{Large / GiB} GiB: {answered} answers meanwhile, the slowest after {longest.TotalMilliseconds} ms");
        Assert.True(answered > 10, $"only {answered} answers while the memory was filled");
        Assert.InRange(longest, TimeSpan.Zero, s_generous);
        Assert.Equal(["large", "small"], other.Memdevs().Order());
        AssertFilled(Large);
    }

    /// <summary>
    /// The kernel fills and counts pages with the address space locked, and gives the lock to the next step rather than to a thread that
    /// still has to wake up. An object-add beside it, and queries behind that, would wait. So a thread that does such work sleeps in
    /// between.
    /// </summary>
    [FactIf(Need.ThreeGiBFree, Need.Strace)]
    public void FillingAndCounting_LetOthersMap()
    {
        using var client = Daemon.Connect();
        using (var strace = new Strace(Daemon.Pid, "trace=madvise,nanosleep,clock_nanosleep"))
        {
            client.Add("memory-backend-ram", "large", new() { ["size"] = 2 * GiB, ["prealloc"] = true, ["prealloc-threads"] = 1 }, s_filling);
            AssertSleeps(strace.End(), "MADV_POPULATE_WRITE");
        }
        client.Delete("large");
        client.Add("memory-backend-memfd", "large", new() { ["size"] = 2 * GiB, ["prealloc"] = true }, s_filling);
        using (var strace = new Strace(Daemon.Pid, "trace=ioctl,nanosleep,clock_nanosleep"))
        {
            client.Ok("query-memdev-stats");
            var calls = strace.End();
            // Linux before 6.7 does not have it.
            if (calls.Any(l => Regex.IsMatch(l, PagemapScan)))
                AssertSleeps(calls, PagemapScan);
        }
    }

    /// <summary>A small mapping, which usually happens at once, may wait for the filling, and so do the commands behind it.</summary>
    [FactIf(Need.ThreeGiBFree, Need.Strace)]
    public void ObjectAdd_BesideAFilling_IsNotDoneByTheThreadThatServesAll()
    {
        using var filler = Daemon.Connect();
        using var other = Daemon.Connect();
        using var strace = new Strace(Daemon.Pid, "trace=memfd_create,epoll_wait,epoll_pwait");

        other.Add("memory-backend-memfd", "before", new() { ["size"] = 4096 });
        filler.Send(QmpClient.AddText("memory-backend-memfd", "large", new() { ["size"] = 3 * GiB, ["prealloc"] = true }) + "\n");
        AwaitFilling();
        other.Add("memory-backend-memfd", "beside", new() { ["size"] = 4096 });
        Assert.Null(filler.TryLine(TimeSpan.Zero));

        var calls = strace.End();
        var serving = calls.Where(l => l.Contains(" epoll_", StringComparison.Ordinal)).Select(ThreadOf).ToHashSet();
        var making = calls.Where(l => l.Contains(" memfd_create(", StringComparison.Ordinal)).Select(ThreadOf).ToArray();
        Assert.Equal([true, false, false], making.Select(serving.Contains));
    }

    // strace 6.1 does not know the name.
    const string PagemapScan = "PAGEMAP_SCAN|0x66, 0x10, 0x60";

    /// <summary>The one thread that makes such calls also sleeps.</summary>
    static void AssertSleeps(string[] calls, string work)
    {
        var worker = Assert.Single(calls.Where(l => Regex.IsMatch(l, work)).Select(ThreadOf).Distinct());
        Assert.Contains(calls, l => ThreadOf(l) == worker && l.Contains("nanosleep(", StringComparison.Ordinal));
    }

    static string ThreadOf(string call) => call.Split(' ')[0];

    [FactIf(Need.ThreeGiBFree)]
    public void QomSet_OfPrealloc_DelaysNobodyElse()
    {
        using var filler = Daemon.Connect();
        using var other = Daemon.Connect();
        other.Add("memory-backend-ram", "small", new() { ["size"] = 4096 });
        filler.Add("memory-backend-memfd", "large", new() { ["size"] = Large });

        filler.Command("qom-set", new() { ["path"] = "large", ["property"] = "prealloc", ["value"] = true });
        AwaitFilling();
        // The object that is filled as well.
        Assert.False(other.Get("large", "prealloc").GetBoolean());
        AskWhile(filler, other, out var answered, out var longest);

        Output.WriteLine($"{Large / GiB} GiB: {answered} answers meanwhile, the slowest after {longest.TotalMilliseconds} ms");
        Assert.True(answered > 10, $"only {answered} answers while the memory was filled");
        Assert.InRange(longest, TimeSpan.Zero, s_generous);
        Assert.True(other.Get("large", "prealloc").GetBoolean());
    }

    [FactIf(Need.ThreeGiBFree)]
    public void ObjectDel_OfLargeMemory_DelaysNobodyElse_AndAnswersWhenItIsFree()
    {
        using var filler = Daemon.Connect();
        using var other = Daemon.Connect();
        other.Add("memory-backend-ram", "small", new() { ["size"] = 4096 });
        filler.Add("memory-backend-memfd", "large", new() { ["size"] = Large, ["prealloc"] = true }, s_filling);

        filler.Command("object-del", new() { ["id"] = "large" });
        AskWhile(filler, other, out _, out var longest);

        Assert.InRange(longest, TimeSpan.Zero, s_generous);
        Assert.InRange(Memory.Status("RssShmem"), 0ul, 64ul << 20);
    }

    [FactIf(Need.ThreeGiBFree)]
    public void ClientThatLeavesWhileItsObjectIsMade_NeitherLosesNorLeaksIt()
    {
        var size = 3 * GiB;
        using var other = Daemon.Connect();
        var files = Memory.SettledFileCount();
        using (var filler = Daemon.Connect())
        {
            filler.Send(QmpClient.AddText("memory-backend-memfd", "large", new() { ["size"] = size, ["prealloc"] = true }) + "\n"
                + QmpClient.AddText("memory-backend-ram", "queued", new() { ["size"] = 4096 }) + "\n");
            AwaitFilling();
        }

        Eventually.True(() => other.Memdevs().Contains("large"), "the object to appear", s_filling);
        AssertFilled(size);
        // The job's descriptor is open, the connection's are closed.
        Memory.AwaitFiles(files + 1);
        // As in QEMU, the client's queued commands were dropped with it.
        Assert.Equal(["large"], other.Memdevs());

        other.Delete("large");
        Memory.AwaitFiles(files);
        Assert.Null(Memory.TryGuarded(size));
    }

    // The kernel does not count pages while it moves them (compaction, huge pages).
    void AssertFilled(ulong size) => Assert.InRange(Memory.Backend(size).Resident, size / 1000 * 999, size);

    static void AskWhile(QmpClient filler, QmpClient other, out int answered, out TimeSpan longest)
    {
        answered = 0;
        longest = TimeSpan.Zero;
        var whole = Stopwatch.StartNew();
        byte[]? done;
        while ((done = filler.TryLine(TimeSpan.Zero)) is null)
        {
            Assert.True(whole.Elapsed < s_filling, "the slow command did not end");
            var one = Stopwatch.StartNew();
            Assert.Equal(4096, other.Get("/objects/small", "size").GetInt32());
            if (one.Elapsed > longest)
                longest = one.Elapsed;
            answered++;
        }
        Assert.Equal("{\"return\": {}}\r\n", System.Text.Encoding.ASCII.GetString(done));
    }
}
