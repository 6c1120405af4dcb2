using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Memory;

/// <summary><c>policy</c> and <c>host-nodes</c> in the words of numa_maps.</summary>
public sealed class PolicyTests(ITestOutputHelper output) : DaemonTest(output)
{
    const ulong Size = 3 << 20;

    string Policy()
    {
        var memory = new ProcMemory(Daemon.Pid);
        return memory.NumaPolicy(memory.Backend(Size).Start);
    }

    [TheoryIf(Need.Numa)]
    [InlineData("memory-backend-ram", "bind", "bind:0")]
    [InlineData("memory-backend-ram", "interleave", "interleave:0")]
    [InlineData("memory-backend-ram", "preferred", "prefer (many):0")]
    [InlineData("memory-backend-memfd", "bind", "bind:0")]
    [InlineData("memory-backend-shm", "interleave", "interleave:0")]
    public void ObjectAdd_WithPolicy_BindsTheMemory(string type, string policy, string word)
    {
        using var client = Daemon.Connect();

        client.Add(type, "m", new() { ["size"] = Size, ["policy"] = policy, ["host-nodes"] = new JsonArray(0) });

        // Before Linux 5.15 the kernel has no preferred for several nodes.
        Assert.Contains(Policy(), (string[])[word, word.Replace(" (many)", "", StringComparison.Ordinal)]);
    }

    [FactIf(Need.Numa)]
    public void ObjectAdd_WithoutPolicy_LeavesTheKernelsDefault()
    {
        using var client = Daemon.Connect();

        client.Add("memory-backend-ram", "m", new() { ["size"] = Size });

        Assert.Equal("default", Policy());
    }

    // contract § 5: as soon as the pair is valid the memory is rebound; until then the kernel's binding stays.
    [TheoryIf(Need.Numa)]
    [InlineData("memory-backend-ram")]
    [InlineData("memory-backend-memfd")]
    public void QomSet_OfThePair_RebindsWhenItIsValid(string type)
    {
        using var client = Daemon.Connect();
        client.Add(type, "m", new() { ["size"] = Size });

        client.Set("m", "policy", "bind");
        Assert.Equal("default", Policy());
        client.Set("m", "host-nodes", new JsonArray(0));
        Assert.Equal("bind:0", Policy());

        client.Set("m", "policy", "interleave");
        Assert.Equal("interleave:0", Policy());
        client.Set("m", "host-nodes", new JsonArray());
        Assert.Equal("interleave:0", Policy());
        client.Set("m", "policy", "default");
        Assert.Equal("default", Policy());
    }

    [FactIf(Need.Numa)]
    public void QomSet_OfANodeThatIsNotThere_IsRefused_AndTheOldBindingStays()
    {
        using var client = Daemon.Connect();
        client.Add("memory-backend-ram", "m", new() { ["size"] = Size, ["policy"] = "bind", ["host-nodes"] = new JsonArray(0) });

        var text = client.SetRefused("m", "host-nodes", new JsonArray(127));

        Assert.Equal("cannot bind memory to host NUMA nodes: Invalid argument", text);
        Assert.Equal("bind:0", Policy());
        Assert.Equal(0, Assert.Single(client.Get("m", "host-nodes").EnumerateArray()).GetInt32());
    }

    [FactIf(Need.Numa)]
    public void ObjectAdd_ThatCannotBeBound_LeavesNothing()
    {
        using var client = Daemon.Connect();
        var memory = new ProcMemory(Daemon.Pid);

        var text = client.AddRefused("memory-backend-memfd", "m", new() { ["size"] = Size, ["policy"] = "bind", ["host-nodes"] = new JsonArray(127) });

        Assert.Equal("cannot bind memory to host NUMA nodes: Invalid argument", text);
        Assert.Null(memory.TryGuarded(Size));
        Assert.DoesNotContain(memory.Files(), f => f.Target.Contains("memfd:memory-backend", StringComparison.Ordinal));
    }
}
