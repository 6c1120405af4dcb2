using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using HostMemd.Integration.Handover;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;
using static HostMemd.Integration.Harness.Need;

namespace HostMemd.Integration.Persistence;

/// <summary>The daemon is killed, and the next one has the objects again.</summary>
public sealed class RestoreTests(ITestOutputHelper output) : PersistenceTest(output)
{
    const int SIGTERM = 15;

    [FactIf(Python3)]
    public void Objects_AreTheSame_InTheirOrder_WithTheirProperties()
    {
        Manager.Start();
        Dictionary<string, Dictionary<string, string>> before;
        using (var client = Connect())
        {
            client.Add("thread-context", "context", new() { ["cpu-affinity"] = new JsonArray(0) });
            client.Add("memory-backend-memfd", "z", SizeOf(MiB, ("merge", false), ("prealloc-threads", 3), ("prealloc-context", "context")));
            client.Add("memory-backend-ram", "b", SizeOf(2 * MiB, ("share", true), ("dump", false), ("reserve", false)));
            client.Add("memory-backend-shm", "y", SizeOf(3 * MiB));
            client.Add("memory-backend-memfd", "a", SizeOf(4 * MiB, ("seal", true), ("prealloc", true)));
            client.Add("memory-backend-file", "file", SizeOf(MiB, ("mem-path", $"{Manager.Folder}/f"), ("share", true)));
            client.Set("/objects/y", "merge", false);
            client.Set("/objects/y", "prealloc", true);
            client.Delete("z");
            client.Add("memory-backend-memfd", "z", SizeOf(MiB));
            before = Ids(client).ToDictionary(id => id, id => Properties(client, id));
        }

        Manager.Crash();

        using var after = Connect();
        Assert.Equal(["context", "b", "y", "a", "file", "z"], Ids(after));
        Assert.All(before, o => Assert.Equal(o.Value, Properties(after, o.Key)));
    }

    [FactIf(Python3)]
    public void Content_IsTheSame_AfterManyCrashes()
    {
        string[] types = ["memory-backend-memfd", "memory-backend-shm", "memory-backend-ram"];
        Manager.Start();
        using (var client = Connect())
        {
            foreach (var type in types)
            {
                client.Add(type, type, SizeOf(4 * MiB, ("share", true)));
                Write(client, type, Random(4 * MiB, type.Length));
            }
        }

        Manager.Crash().Crash().Crash();

        using var after = Connect();
        Assert.All(types, t => Assert.Equal(Random(4 * MiB, t.Length), Read(after, t)));
    }

    [FactIf(Python3, Numa)]
    public void NumaPolicy_IsTheKernelsAgain()
    {
        Manager.Start();
        using (var client = Connect())
            client.Add("memory-backend-memfd", "m", SizeOf(3 * MiB, ("policy", "bind"), ("host-nodes", new JsonArray(0))));

        Manager.Crash();

        using var after = Connect();
        Assert.Equal("bind", after.Get("/objects/m", "policy").GetString());
        var memory = new ProcMemory(Manager.Pid);
        Assert.Equal("bind:0", memory.NumaPolicy(memory.Backend(3 << 20).Start));
    }

    [FactIf(Python3, ThreeGiBFree)]
    public void FilledMemory_IsNotTouchedAgain_AndCostsNoTime()
    {
        const long Size = 1 << 30;
        Manager.Start();
        using (var client = Connect())
            client.Add("memory-backend-memfd", "m", SizeOf(Size, ("prealloc", true)), TimeSpan.FromSeconds(60));
        Manager.Kill();

        Manager.Start();

        using var after = Connect();
        Assert.True(after.Get("/objects/m", "prealloc").GetBoolean());
        // The new process has accessed no page, and all are there.
        Assert.Equal(0ul, new ProcMemory(Manager.Pid).Backend((ulong)Size).Resident);
        using var file = Borrow(after, "m");
        Assert.Equal(Size, RandomAccess.GetLength(file));
        Assert.Equal(Size / 512, long.Parse(Harness.Program.Check("stat", "-L", "-c", "%b", $"/proc/{Environment.ProcessId}/fd/{file.DangerousGetHandle()}"),
            System.Globalization.CultureInfo.InvariantCulture));
    }

    [FactIf(Python3)]
    public void Leases_GoOn_WhileTheirProcessLives()
    {
        using var holder = Process.Start("sleep", "600");
        using var mortal = Process.Start("sleep", "600");
        Manager.Start();
        string mapping;
        using (var client = Connect())
        {
            client.Add("memory-backend-memfd", "m", SizeOf(MiB));
            mapping = client.Ok("memdev-map", new() { ["id"] = "m", ["pid"] = holder.Id, ["name"] = "guest", ["readonly"] = true }).GetProperty("mapping").GetString()!;
            client.Ok("memdev-map", new() { ["id"] = "m", ["pid"] = mortal.Id });
        }
        Manager.Kill();
        mortal.Kill();
        mortal.WaitForExit();

        Manager.Start();

        using var after = Connect();
        var lease = Assert.Single(Leases(after));
        Assert.Equal((mapping, holder.Id, "guest", true), (lease.GetProperty("mapping").GetString(), lease.GetProperty("pid").GetInt32(),
            lease.GetProperty("name").GetString(), lease.GetProperty("readonly").GetBoolean()));
        Assert.Equal("Cannot delete host memory backend 'm' which is mapped", after.Refused("object-del", new() { ["id"] = "m" }));
        // And ends with it.
        holder.Kill();
        holder.WaitForExit();
        Eventually.True(() => after.Execute("object-del", new() { ["id"] = "m" }).TryGetProperty("return", out _), "'m' is free");
    }

    [FactIf(Python3)]
    public void StoreItself_IsNoHolder()
    {
        Manager.Start("--object", "memory-backend-memfd,id=m,size=1M");

        Manager.Crash();

        using var after = Connect();
        Assert.Equal(0, after.Ok("query-memdev-mappings").GetArrayLength());
        Assert.Equal(0, after.Ok("query-memdev-stats")[0].GetProperty("mappings").GetInt32());
    }

    [FactIf(Python3)]
    public void MappingIds_AreNotGivenTwice()
    {
        Manager.Start();
        string first;
        using (var client = Connect())
        {
            client.Add("memory-backend-memfd", "m", SizeOf(MiB));
            first = client.Ok("memdev-map", new() { ["id"] = "m" }).GetProperty("mapping").GetString()!;
        }

        Manager.Crash();

        using var after = Connect();
        Assert.NotEqual(first, after.Ok("memdev-map", new() { ["id"] = "m" }).GetProperty("mapping").GetString());
        Assert.Equal(2, Leases(after).Length);
    }

    [FactIf(Python3, ThreeGiBFree)]
    public void ObjectThatWasBeingMade_IsGone_WithItsMemory()
    {
        Manager.Start();
        using (var client = Connect())
        {
            client.Add("memory-backend-memfd", "whole", SizeOf(MiB));
            client.Send(QmpClient.AddText("memory-backend-memfd", "half", SizeOf(2048 * MiB, ("prealloc", true), ("prealloc-threads", 1))));
            using var other = Connect();
            Eventually.True(() => other.Ok("query-jobs").GetArrayLength() > 0, "the filling under way");
            Manager.Kill();
        }

        Manager.Start();

        using var after = Connect();
        Assert.Equal(["whole"], Ids(after));
        Assert.Single(Manager.Memory);
        Assert.Equal(0, after.Ok("query-jobs").GetArrayLength());
        after.Add("memory-backend-memfd", "half", SizeOf(MiB));
    }

    [FactIf(Python3, ThreeGiBFree)]
    public void FillingJob_IsGone_AndItsObjectIsThere()
    {
        Manager.Start();
        using (var client = Connect())
        {
            client.Add("memory-backend-memfd", "m", SizeOf(2048 * MiB));
            client.Command("memdev-prealloc", new() { ["id"] = "m", ["job-id"] = "j", ["threads"] = 1 });
            using var other = Connect();
            Eventually.True(() => other.Ok("query-jobs").GetArrayLength() > 0, "the filling under way");
            Manager.Kill();
        }

        Manager.Start();

        using var after = Connect();
        Assert.Equal(0, after.Ok("query-jobs").GetArrayLength());
        Assert.False(after.Get("/objects/m", "prealloc").GetBoolean());
        after.Delete("m");
        Assert.Empty(Manager.Memory);
    }

    [FactIf(Python3)]
    public void Quit_EmptiesTheStore()
    {
        Manager.Start("--object", "memory-backend-memfd,id=a,size=1M", "--object", "memory-backend-ram,id=b,size=1M,share=on");
        using var client = Connect();

        client.Command("quit");

        Assert.Equal(0, Manager.AwaitEnd());
        Eventually.Equal(0, () => Manager.Names.Length, "descriptors stored");
    }

    [FactIf(Python3)]
    public void PlainStop_KeepsAll()
    {
        Manager.Start("--object", "memory-backend-memfd,id=a,size=1M");
        using (var client = Connect())
            Write(client, "a", Random(MiB, 5));
        Manager.Signal(SIGTERM);
        Assert.Equal(0, Manager.AwaitEnd());

        Manager.Start("--object", "memory-backend-memfd,id=a,size=1M");

        using var after = Connect();
        Assert.Equal(Random(MiB, 5), Read(after, "a"));
        AwaitLog("object a of the configuration is there already");
    }

    [FactIf(Python3)]
    public void PlainStop_DoesNotDiscardAFileThatWillBeNeededAgain()
    {
        Manager.Start("--object", $"memory-backend-file,id=f,size=1M,mem-path={Manager.Folder}/f,share=on,discard-data=on");
        using (var client = Connect())
            Write(client, "f", Random(MiB, 6));
        Manager.Signal(SIGTERM);
        Manager.AwaitEnd();

        Manager.Start();

        using var after = Connect();
        Assert.Equal(["f"], Ids(after));
        Assert.Equal(Random(MiB, 6), Read(after, "f"));
    }

    [FactIf(Python3)]
    public void FileThatIsAnotherNow_IsNotTaken_AndNotDiscarded()
    {
        var path = Path.Combine(Manager.Folder, "f");
        Manager.Start("--object", $"memory-backend-file,id=f,size=1M,mem-path={path},share=on,discard-data=on");
        Manager.Kill();
        File.Move(path, path + ".old");
        File.WriteAllBytes(path, Random(MiB, 7));

        Manager.Start();

        AwaitLog("memory-backend-file f could not be restored: backing store of 'f' is another file now");
        using (var client = Connect())
            Assert.Empty(Ids(client));
        Assert.Equal(Random(MiB, 7), File.ReadAllBytes(path));
        Eventually.True(() => Manager.Said("STATUS").LastOrDefault() == "0 memory backends, 0 MiB; 1 entries kept aside", "the status");
        // The right file is back, and so is the object.
        File.Move(path + ".old", path, overwrite: true);
        Manager.Crash();
        using var after = Connect();
        Assert.Equal(["f"], Ids(after));
    }

    [FactIf(Python3)]
    public void PrivateMemory_IsGone_AndTheLogSaysSo()
    {
        Manager.Start("--object", "memory-backend-ram,id=p,size=1M", "--object", "memory-backend-memfd,id=m,size=1M");

        Manager.Crash();

        AwaitLog("memory-backend-ram p could not be restored: memory of 'p' was private to the process that ended");
        using var client = Connect();
        Assert.Equal(["m"], Ids(client));
    }

    [FactIf(Python3)]
    public void ThreeHundredRandomOperations_WithCrashesAtRandomInstants_LoseNothing()
    {
        var said = Harness.Program.Check("python3", "-B", Path.Combine(Repository.Root, "tests/lab/survival.py"), Repository.Daemon, "300", "20");

        Assert.Contains("20 crashes", said, StringComparison.Ordinal);
    }

    [GuestFact(Python3)]
    public void Guest_RunsOn_WhileTheDaemonIsKilledAndRestarted()
    {
        Manager.Start();
        string path;
        using (var client = Connect())
        {
            client.Add("memory-backend-memfd", "vm", SizeOf(Guest.MemorySize));
            path = client.Ok("memdev-map", new() { ["id"] = "vm" }).GetProperty("path").GetString()!;
        }
        var guest = Keep(new RunningGuest(Manager.Folder, "guest", path));
        guest.AwaitCounting();

        for (var i = 0; i < 3; i++)
        {
            Manager.Crash();
            guest.AwaitCounting();
        }

        using var after = Connect();
        Assert.Equal("Cannot delete host memory backend 'vm' which is mapped", after.Refused("object-del", new() { ["id"] = "vm" }));
        using var memory = Borrow(after, "vm");
        Span<byte> number = stackalloc byte[4];
        RandomAccess.Read(memory, number, Guest.Mailbox);
        Assert.True(BitConverter.ToInt32(number) > 0);
    }
}
