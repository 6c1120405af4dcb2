using System.Text;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;
using static HostMemd.Integration.Harness.Need;

namespace HostMemd.Integration.Persistence;

/// <summary>The stored state is not what a daemon left: damaged, cut off, incomplete, of another version, or foreign.</summary>
public sealed class StoredStateTests(ITestOutputHelper output) : PersistenceTest(output)
{
    [FactIf(Python3)]
    public void DescriptorThatNoRecordSpeaksOf_IsLetGo()
    {
        Manager.Start("--object", "memory-backend-memfd,id=m,size=1M");
        Manager.Kill();
        Manager.Put("mem-77", new byte[4096]);

        Manager.Start();

        Assert.DoesNotContain("mem-77", Manager.Names);
        using var client = Connect();
        Assert.Equal(["m"], Ids(client));
    }

    [FactIf(Python3)]
    public void DamagedLine_IsPassedOver_AndItsMemoryIsKeptAside()
    {
        Manager.Start("--object", "memory-backend-memfd,id=a,size=1M", "--object", "memory-backend-memfd,id=b,size=1M");
        Manager.Kill();
        var name = Manager.Journal;
        var journal = Manager.Content(name);
        // One letter of the first object's line.
        journal[Encoding.UTF8.GetString(journal).IndexOf("\"id\": \"a\"", StringComparison.Ordinal) + 7] = (byte)'x';
        Manager.Drop(name);
        Manager.Put(name, journal);

        Manager.Start();

        AwaitLog("a line of the stored state is not readable");
        AwaitLog("1 stored descriptors belong to entries that are not readable");
        using (var client = Connect())
            Assert.Equal(["b"], Ids(client));
        Assert.Equal(2, Manager.Memory.Length);
        // The next daemon keeps it too.
        Manager.Crash();
        Assert.Equal(2, Manager.Memory.Length);
    }

    [FactIf(Python3)]
    public void LineCutOffByACrash_IsNoDamage()
    {
        Manager.Start("--object", "memory-backend-memfd,id=a,size=1M");
        Manager.Kill();
        var name = Manager.Journal;
        var journal = Manager.Content(name);
        Manager.Drop(name);
        Manager.Put(name, [.. journal, .. "0badcafe {\"object"u8]);

        Manager.Start();

        using var client = Connect();
        Assert.Equal(["a"], Ids(client));
        client.Add("memory-backend-memfd", "b", SizeOf(MiB));
        Manager.Crash();
        using var after = Connect();
        Assert.Equal(["a", "b"], Ids(after));
        Assert.DoesNotContain("not readable", Manager.Log, StringComparison.Ordinal);
    }

    [FactIf(Python3)]
    public void JournalOfAnotherVersion_IsLeftAlone_AndFoundByTheOneThatReadsIt()
    {
        Manager.Start("--object", "memory-backend-memfd,id=a,size=1M");
        using (var client = Connect())
            Write(client, "a", Random(MiB, 8));
        Manager.Kill();
        var name = Manager.Journal;
        var journal = Manager.Content(name);
        var lines = Encoding.UTF8.GetString(journal).Split('\n');
        var future = ServiceManager.JournalOf("{\"hostmemd-state\": 99, \"generation\": 1, \"writer\": \"the future\"}");
        Manager.Drop(name);
        Manager.Put(name, [.. future, .. Encoding.UTF8.GetBytes(string.Join('\n', lines[1..]))]);

        Manager.Start();
        using (var client = Connect())
        {
            Assert.Empty(Ids(client));
            client.Add("memory-backend-memfd", "b", SizeOf(MiB));
        }
        AwaitLog($"the stored state {name} is not readable by this version");
        Assert.Contains(name, Manager.Names);
        Assert.Equal(2, Manager.Memory.Length);
        Manager.Crash();
        Assert.Equal(2, Manager.Memory.Length);
        // A version that can read it runs again.
        Manager.Kill();
        Manager.Drop(name);
        Manager.Put(name, journal);
        Manager.Start();

        using var after = Connect();
        Assert.Equal(["a", "b"], Ids(after).Order());
        Assert.Equal(Random(MiB, 8), Read(after, "a"));
        Assert.DoesNotContain(name, Manager.Names);
    }

    [FactIf(Python3)]
    public void MissingDescriptor_IsTold_AndTheStartGoesOn()
    {
        Manager.Start("--object", "memory-backend-memfd,id=a,size=1M", "--object", "memory-backend-memfd,id=b,size=1M");
        Manager.Kill();
        Manager.Drop(Manager.Memory[0]);

        Manager.Start();

        AwaitLog("memory-backend-memfd a could not be restored");
        using var client = Connect();
        Assert.Equal(["b"], Ids(client));
    }

    [FactIf(Python3)]
    public void GarbageInTheStore_IsNoReasonNotToStart()
    {
        Manager.Put("state-3", [1, 2, 3]);
        Manager.Put("mem-5", [4]);
        Manager.Put("mem-x", [5]);
        Manager.Put("probe-9", [6]);

        Manager.Start("--object", "memory-backend-memfd,id=a,size=1M");

        using var client = Connect();
        Assert.Equal(["a"], Ids(client));
        Assert.Contains("mem-5", Manager.Names);
    }

    // Written by version 0.1.0; every later one must read it.
    [FactIf(Python3)]
    public void StateRecordOfVersion1_IsRead()
    {
        Manager.Put("state-4", File.ReadAllBytes(Path.Combine(Repository.Root, "tests/integration/Persistence/state-v1.journal")));
        Manager.Put("mem-1", Random(MiB, 9));
        Manager.Put("mem-3", Random(2 * MiB, 10));

        Manager.Start();

        using var client = Connect();
        Assert.Equal(["ctx", "vm1", "vm3"], Ids(client));
        Assert.Equal((false, true, "preferred"), (client.Get("/objects/vm3", "merge").GetBoolean(), client.Get("/objects/vm3", "prealloc").GetBoolean(),
            client.Get("/objects/vm3", "policy").GetString()));
        Assert.Equal("/objects/ctx", client.Get("/objects/vm3", "prealloc-context").GetString());
        Assert.Equal(Random(2 * MiB, 10), Read(client, "vm3"));
        Assert.Equal(Random(MiB, 9), Read(client, "vm1"));
        AwaitLog("memory-backend-ram private could not be restored");
    }
}
