using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Memory;

/// <summary><c>merge</c> and <c>dump</c> in the kernel's words: the VmFlags of smaps.</summary>
public sealed class AdviceTests(ITestOutputHelper output) : DaemonTest(output)
{
    const ulong MiB = 1 << 20;

    Mapping Memory(ulong size) => new ProcMemory(Daemon.Pid).Backend(size);

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void ObjectAdd_OfPrivateMemory_IsAdvisedAsAsked(bool merge, bool dump)
    {
        using var client = Daemon.Connect();

        client.Add("memory-backend-ram", "m", new() { ["size"] = 7 * MiB, ["merge"] = merge, ["dump"] = dump });

        var memory = Memory(7 * MiB);
        Assert.Equal(merge, memory.Flags.Contains("mg"));
        Assert.Equal(!dump, memory.Flags.Contains("dd"));
        Assert.Contains("dc", memory.Flags);
    }

    [Fact]
    public void QomSet_OfMerge_ChangesTheMapping()
    {
        using var client = Daemon.Connect();
        client.Add("memory-backend-ram", "m", new() { ["size"] = 7 * MiB });
        Assert.Contains("mg", Memory(7 * MiB).Flags);

        client.Set("m", "merge", false);
        Assert.DoesNotContain("mg", Memory(7 * MiB).Flags);

        client.Set("m", "merge", true);
        Assert.Contains("mg", Memory(7 * MiB).Flags);
    }

    [Theory]
    [InlineData("memory-backend-ram")]
    [InlineData("memory-backend-memfd")]
    [InlineData("memory-backend-shm")]
    public void QomSet_OfDump_ChangesTheMapping(string type)
    {
        using var client = Daemon.Connect();
        client.Add(type, "m", new() { ["size"] = 7 * MiB });
        Assert.DoesNotContain("dd", Memory(7 * MiB).Flags);

        client.Set("/objects/m", "dump", false);
        Assert.Contains("dd", Memory(7 * MiB).Flags);

        client.Set("/objects/m", "dump", true);
        Assert.DoesNotContain("dd", Memory(7 * MiB).Flags);
    }

    [Fact]
    public void ObjectAdd_OfPrivateMemfd_IsMergeable_AndOfSharedIsNot()
    {
        using var client = Daemon.Connect();

        client.Add("memory-backend-memfd", "private", new() { ["size"] = 5 * MiB, ["share"] = false });
        client.Add("memory-backend-memfd", "shared", new() { ["size"] = 6 * MiB });

        Assert.Contains("mg", Memory(5 * MiB).Flags);
        Assert.DoesNotContain("mg", Memory(6 * MiB).Flags);
    }

    [Fact]
    public void MachineOption_SetsTheDefaultsOfBoth()
    {
        var daemon = Start("--machine", "mem-merge=off,dump-guest-core=off");
        using var client = daemon.Connect();

        client.Add("memory-backend-ram", "m", new() { ["size"] = 7 * MiB });

        var memory = Memory(7 * MiB);
        Assert.DoesNotContain("mg", memory.Flags);
        Assert.Contains("dd", memory.Flags);
        Assert.False(client.Get("m", "merge").GetBoolean());
        Assert.False(client.Get("m", "dump").GetBoolean());
    }
}
