using System.Globalization;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Prealloc;

/// <summary>Errors and leftovers when memory is short.</summary>
[Collection(nameof(Harness.Machine))]
public sealed class ShortageTests(ITestOutputHelper output) : DaemonTest(output)
{
    const ulong Page = 2 << 20;

    static long Free => HugePages.Count("free_hugepages") - HugePages.Count("resv_hugepages");

    Talk Talk() => Keep(new Talk(Daemon));

    static System.Text.Json.Nodes.JsonObject Huge(bool reserve = true) => new() { ["hugetlb"] = true, ["hugetlbsize"] = Page, ["reserve"] = reserve };

    [FactIf(Need.HugePages)]
    public void HugePages_AreReservedWhenMapped_AndTakenWhenFilled()
    {
        var client = Talk();
        var (free, reserved) = (HugePages.Count("free_hugepages"), HugePages.Count("resv_hugepages"));

        client.Add("memfd", "m", 4 * Page, Huge());
        Assert.Equal((free, reserved + 4), (HugePages.Count("free_hugepages"), HugePages.Count("resv_hugepages")));
        client.Ask("qom-set", new() { ["path"] = "m", ["property"] = "prealloc", ["value"] = true });
        Assert.Equal((free - 4, reserved), (HugePages.Count("free_hugepages"), HugePages.Count("resv_hugepages")));

        var stats = client.Stats("m");
        Assert.Equal(4 * Page, stats.GetProperty("huge").GetUInt64());
        Assert.Equal(Page, stats.GetProperty("page-size").GetUInt64());
        client.Delete("m");
        Assert.Equal((free, reserved), (HugePages.Count("free_hugepages"), HugePages.Count("resv_hugepages")));
    }

    [FactIf(Need.HugePages)]
    public void MoreHugePagesThanThereAre_AreRefused_AndNoneIsHeld()
    {
        var client = Talk();
        var free = Free;

        var text = client.Refused("object-add", Prealloc.Talk.New("memfd", "m", (ulong)(free + 1) * Page, Huge()));

        Assert.Contains("Cannot allocate memory", text, StringComparison.Ordinal);
        Assert.Equal(free, Free);
    }

    [FactIf(Need.HugePages)]
    public void WithoutReservation_TheyCannotBePreallocated_AndNothingIsKilled()
    {
        var client = Talk();
        client.Add("memfd", "m", (ulong)(Free + 4) * Page, Huge(reserve: false));

        Assert.Equal("'prealloc=on' and 'reserve=off' are incompatible",
            client.Refused("memdev-prealloc", new() { ["id"] = "m", ["job-id"] = "j" }));
        Assert.Equal(0ul, client.Stats("m").GetProperty("resident").GetUInt64());
    }

    [FactIf(Need.HugePages)]
    public void HugePagesTakenBeforeTheyAreFilled_AreThoseOfNobody_AndTheRestIsRefused()
    {
        var client = Talk();
        var pool = File.ReadAllText(HugePages.Folder + "/nr_hugepages");
        try
        {
            client.Add("memfd", "m", 12 * Page, Huge());
            File.WriteAllText(HugePages.Folder + "/nr_hugepages", "0");
            client.Fill("m", "j");

            // Pages that were reserved at the mapping cannot be taken away.
            Assert.False(client.AwaitConcluded("j").TryGetProperty("error", out _));
            Assert.Equal(12 * Page, client.Stats("m").GetProperty("huge").GetUInt64());
            Assert.Contains("Cannot allocate memory", client.Refused("object-add", Prealloc.Talk.New("memfd", "n", Page, Huge())), StringComparison.Ordinal);
            client.Delete("m");
            Assert.Equal(0L, HugePages.Count("nr_hugepages"));
        }
        finally
        {
            File.WriteAllText(HugePages.Folder + "/nr_hugepages", pool);
        }
        client.Add("memfd", "again", Page, Huge());
    }

    [FactIf(Need.TmpfsMount)]
    public void AFullFileSystem_IsNamed_WithTheBytesReached_AndThePagesAreGivenBack()
    {
        var mount = DaemonProcess.NewFolder();
        Harness.Program.Check("mount", "-t", "tmpfs", "-o", "size=8m", "hostmemd-test", mount);
        try
        {
            var client = Talk();
            var path = Path.Combine(mount, "mem");
            client.Add("file", "m", 32 << 20, new() { ["mem-path"] = path, ["share"] = true });

            client.Fill("m", "j");
            var job = client.AwaitConcluded("j");

            Assert.Matches("Bad address: [0-9]+ of 33554432 bytes filled, [0-9]+ bytes free in the file system",
                job.GetProperty("error").GetString());
            Assert.Equal(0L, ProcMemory.Stat(path).Allocated);
            // Twice, because the second filling shows what the first left open.
            client.Fill("m", "k");
            Assert.True(client.AwaitConcluded("k").TryGetProperty("error", out _));
            Assert.Equal(32ul << 20, new ProcMemory(Daemon.Pid).Backend(32 << 20).Length);
            client.Delete("m");
        }
        finally
        {
            Harness.Program.Check("umount", "-l", mount);
            Directory.Delete(mount);
        }
    }

    // A private mapping of a file in memory takes two pages for each: one of the file, of zeroes, and one of its own.
    [TheoryIf(Need.TmpfsMount)]
    [InlineData("{}", 0)]
    [InlineData("{}", 2 << 20)]
    [InlineData("""{"readonly": true, "rom": "off"}""", 4096)]
    public void AFullFileSystemBehindPrivateMemory_IsNamed_AndKeepsWhatItHadAndNoMore(string more, int content)
    {
        var mount = DaemonProcess.NewFolder();
        Harness.Program.Check("mount", "-t", "tmpfs", "-o", "size=8m", "hostmemd-test", mount);
        try
        {
            var client = Talk();
            var path = Path.Combine(mount, "mem");
            var written = new byte[content];
            Random.Shared.NextBytes(written);
            using (var file = File.Create(path))
            {
                file.SetLength(32 << 20);
                // In the middle, so that there are holes on both sides.
                file.Position = 1 << 20;
                file.Write(written);
            }
            var arguments = System.Text.Json.Nodes.JsonNode.Parse(more)!.AsObject();
            arguments["mem-path"] = path;
            client.Add("file", "m", 32 << 20, arguments);

            client.Fill("m", "j");
            var job = client.AwaitConcluded("j");

            Assert.Matches("Bad address: [0-9]+ of 33554432 bytes filled, [0-9]+ bytes free in the file system$", job.GetProperty("error").GetString());
            Eventually.Equal((long)content, () => ProcMemory.Stat(path).Allocated, "bytes of the file");
            Assert.Equal(written, File.ReadAllBytes(path)[(1 << 20)..][..content]);
            client.Delete("m");
        }
        finally
        {
            Harness.Program.Check("umount", "-l", mount);
            Directory.Delete(mount);
        }
    }

    [FactIf(Need.TmpfsMount)]
    public void AFailedFillingOfPrivateMemory_LeavesTheFileAlone_ThatAnotherProcessHasOpen()
    {
        var mount = DaemonProcess.NewFolder();
        Harness.Program.Check("mount", "-t", "tmpfs", "-o", "size=8m", "hostmemd-test", mount);
        try
        {
            var client = Talk();
            var path = Path.Combine(mount, "mem");
            client.Add("file", "m", 32 << 20, new() { ["mem-path"] = path });
            using (var other = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            {
                client.Fill("m", "j");
                Assert.True(client.AwaitConcluded("j").TryGetProperty("error", out _));
                RandomAccess.Write(other, "theirs"u8, 4096);
            }

            Assert.NotEqual(0L, ProcMemory.Stat(path).Allocated);
            Assert.Equal("theirs"u8, File.ReadAllBytes(path)[4096..4102]);
        }
        finally
        {
            Harness.Program.Check("umount", "-l", mount);
            Directory.Delete(mount);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AFileThatHasBecomeShorter_IsNamed(bool share)
    {
        var client = Talk();
        var path = InFolder("mem");
        client.Add("file", "m", 16 << 20, new() { ["mem-path"] = path, ["share"] = share });
        using (var file = File.OpenWrite(path))
            file.SetLength(1 << 20);

        client.Fill("m", "j");

        Assert.Matches("Bad address: [0-9]+ of 16777216 bytes filled, the file has 1048576 bytes of 16777216$",
            client.AwaitConcluded("j").GetProperty("error").GetString());
        Assert.Equal(1 << 20, ProcMemory.Stat(path).Length);
    }

    [FactIf(Need.MemoryCgroup)]
    public void AControlGroupThatIsTooSmall_IsNamed_AndTheDaemonLives()
    {
        const string V1 = "/sys/fs/cgroup/memory", V2 = "/sys/fs/cgroup";
        var (root, limit, tasks) = Directory.Exists(V1) ? (V1, "memory.limit_in_bytes", "tasks") : (V2, "memory.max", "cgroup.procs");
        var group = Path.Combine(root, "hostmemd-test-" + Environment.ProcessId);
        Directory.CreateDirectory(group);
        DaemonProcess? daemon = null;
        try
        {
            File.WriteAllText(Path.Combine(group, limit), (300L << 20).ToString(CultureInfo.InvariantCulture));
            daemon = DaemonProcess.Start(info =>
            {
                info.ArgumentList.Insert(0, info.FileName);
                info.ArgumentList.Insert(0, "sh");
                info.ArgumentList.Insert(0, $"echo $$ > {group}/{tasks} && exec \"$@\"");
                info.ArgumentList.Insert(0, "-c");
                info.FileName = "sh";
            });
            using var client = new Talk(daemon);
            client.Add("memfd", "m", 1 << 30);

            var text = client.Refused("qom-set", new() { ["path"] = "m", ["property"] = "prealloc", ["value"] = true });

            Assert.Matches("Cannot allocate memory: 1073741824 bytes needed, [0-9]+ left to the control group", text);
            client.Add("memfd", "small", 32 << 20, new() { ["prealloc"] = true });
        }
        finally
        {
            daemon?.Dispose();
            Eventually.True(() =>
            {
                try
                {
                    Directory.Delete(group);
                    return true;
                }
                catch (IOException)
                {
                    return false;
                }
            }, "an empty control group");
        }
    }
}
