using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Memory;

/// <summary>Nothing is left behind: descriptors, mappings and threads after a thousand objects of every type, good and failing.</summary>
public sealed class CycleTests(ITestOutputHelper output) : DaemonTest(output)
{
    const int Cycles = 1000;

    /// <summary>
    /// Mappings that the runtime itself may add in a round: its heaps and compiled code grow by a few. A leak of one mapping in ten cycles
    /// would be a hundred.
    /// </summary>
    const int OwnMappings = 40;

    /// <summary>A heap now and then grows by more in one round; it stops growing, while what leaks does so in every round.</summary>
    const int Rounds = 5;

    public static TheoryData<string, string> Good => new()
    {
        { "memory-backend-ram", """{"size": 1048576}""" },
        { "memory-backend-ram", """{"size": 1048576, "share": true, "prealloc": true}""" },
        { "memory-backend-memfd", """{"size": 1048576, "policy": "bind", "host-nodes": [0]}""" },
        { "memory-backend-shm", """{"size": 1048576, "merge": false, "dump": false}""" },
        { "memory-backend-file", """{"size": 1048576, "mem-path": "@TMP@", "prealloc": true}""" },
        { "memory-backend-file", """{"size": 1048576, "mem-path": "@TMP@/mem", "share": true, "discard-data": true}""" },
        { "thread-context", """{"cpu-affinity": [0]}""" },
    };

    [Theory, MemberData(nameof(Good))]
    public void AThousandObjects_MadeAndDeleted_LeaveNothing(string type, string properties)
    {
        var text = new StringBuilder();
        for (var i = 0; i < Cycles; i++)
        {
            text.Append(QmpClient.AddText(type, "m" + i % 3, Properties(properties), i)).Append('\n');
            text.Append(QmpClient.Text("object-del", new() { ["id"] = "m" + i % 3 }, i)).Append('\n');
        }
        Cycle(text.ToString(), 2 * Cycles, "return");
    }

    public static TheoryData<string, string> Failing => new()
    {
        // Each after a different step: setters, the id, the size, the mapping, the check of the pair, the binding, the filling.
        { "memory-backend-ram", """{"size": 0}""" },
        { "memory-backend-ram", """{"size": 4611686018427387904}""" },
        { "memory-backend-ram", """{"size": 1048576, "policy": "bind"}""" },
        { "memory-backend-ram", """{"size": 1048576, "share": true, "policy": "bind", "host-nodes": [127]}""" },
        { "memory-backend-ram", """{"size": 1048576, "prealloc-context": "nope"}""" },
        { "memory-backend-memfd", """{"size": 5000}""" },
        { "memory-backend-memfd", """{"size": 1048576, "hugetlb": true, "hugetlbsize": 4096}""" },
        { "memory-backend-memfd", """{"size": 1048576, "policy": "bind", "host-nodes": [127]}""" },
        { "memory-backend-shm", """{"size": 1048576, "share": false}""" },
        { "memory-backend-shm", """{"size": 5000}""" },
        { "memory-backend-shm", """{"size": 1048576, "policy": "preferred"}""" },
        { "memory-backend-file", """{"size": 5000, "mem-path": "@TMP@/mem"}""" },
        { "memory-backend-file", """{"size": 1048576, "mem-path": "@TMP@/no/mem"}""" },
        { "memory-backend-file", """{"size": 1048576, "mem-path": "@TMP@", "align": 12288}""" },
        { "memory-backend-file", """{"size": 1048576, "mem-path": "@TMP@/mem", "policy": "bind", "host-nodes": [127]}""" },
        { "thread-context", """{"cpu-affinity": []}""" },
        { "thread-context", """{"cpu-affinity": [4095]}""" },
        { "thread-context", """{"node-affinity": [127]}""" },
    };

    [Theory, MemberData(nameof(Failing))]
    public void AThousandFailingObjects_LeaveNothing(string type, string properties)
    {
        var text = new StringBuilder();
        for (var i = 0; i < Cycles; i++)
            text.Append(QmpClient.AddText(type, "m" + i % 3, Properties(properties), i)).Append('\n');
        Cycle(text.ToString(), Cycles, "error");
        Assert.Empty(Directory.GetFiles(Daemon.Folder, "mem*"));
    }

    [Fact]
    public void AThousandClients_LeaveNoDescriptors()
    {
        using var client = Daemon.Connect();
        var memory = new ProcMemory(Daemon.Pid);
        var files = memory.SettledFileCount();
        for (var i = 0; i < Cycles; i++)
        {
            using var other = i % 2 == 0 ? Daemon.Connect() : Daemon.ConnectSilently();
            if (i % 3 == 0)
                other.Send("{\"execute\":\"query-mem");
        }

        memory.AwaitFiles(files);
    }

    JsonObject Properties(string text) =>
        JsonNode.Parse(text.Replace("@TMP@", Daemon.Folder, StringComparison.Ordinal))!.AsObject();

    void Cycle(string requests, int count, string outcome)
    {
        using var client = Daemon.Connect();
        var memory = new ProcMemory(Daemon.Pid);
        // The first round starts threads, compiles code and sizes heaps; what counts is that a later one adds nothing.
        Play(client, requests, count, outcome);
        AwaitOwnThreadsGone(memory);
        var (files, threads) = (memory.SettledFileCount(), memory.ThreadCount);

        var grown = int.MaxValue;
        for (var round = 0; round < Rounds && grown > OwnMappings; round++)
        {
            var maps = memory.MapCount;
            Play(client, requests, count, outcome);
            memory.AwaitFiles(files);
            AwaitOwnThreadsGone(memory);
            grown = memory.MapCount - maps;
        }

        Assert.True(grown <= OwnMappings, string.Create(CultureInfo.InvariantCulture, $"{grown} mappings more in each of {Rounds} rounds"));
        // The runtime's pool may have a worker more or less.
        Eventually.AtMost(threads + 2, () => memory.ThreadCount, "threads");
        Assert.DoesNotContain(memory.Files(), f => f.Target.Contains("memory-backend", StringComparison.Ordinal));
        Assert.Empty(client.Memdevs());
    }

    /// <summary>The threads that fill memory, but for the one that is always there, and those of the thread contexts.</summary>
    static void AwaitOwnThreadsGone(ProcMemory memory) => Eventually.True(
        () => memory.ThreadNames.Count(name => name is "hostmemd-fill" || name.StartsWith("TC ", StringComparison.Ordinal)) <= 1,
        "the filling threads and the contexts' threads to end");

    static void Play(QmpClient client, string requests, int count, string outcome)
    {
        client.Send(requests);
        for (var i = 0; i < count; i++)
        {
            var reply = client.Reply();
            Assert.True(reply.TryGetProperty(outcome, out _), string.Create(CultureInfo.InvariantCulture, $"reply {i}: {reply}"));
        }
    }
}
