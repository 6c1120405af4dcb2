using System.Text;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Memory;

/// <summary>What is mapped for each type: alignment, guard, name, seals, links, modes (backends.md § 5 and 6).</summary>
public sealed class MappingTests(ITestOutputHelper output) : DaemonTest(output)
{
    const ulong MiB = 1 << 20;
    const ulong Huge = 2 * MiB;

    ProcMemory Memory => new(Daemon.Pid);

    [Theory]
    [InlineData("memory-backend-ram", "rw-p")]
    [InlineData("memory-backend-memfd", "rw-s")]
    [InlineData("memory-backend-shm", "rw-s")]
    public void ObjectAdd_MapsTheMemoryWithAGuardPageBehindIt(string type, string permissions)
    {
        using var client = Daemon.Connect();

        client.Add(type, "m", new() { ["size"] = 7 * MiB });

        var (memory, guard) = Memory.Guarded(7 * MiB);
        Assert.Equal(permissions, memory.Permissions);
        Assert.Equal((ulong)Environment.SystemPageSize, guard.Length);
        Assert.Equal(0ul, memory.Start % Huge);
    }

    [Theory]
    [InlineData(1, 4096)]
    [InlineData(5000, 8192)]
    [InlineData(4096, 4096)]
    public void ObjectAdd_OfRam_MapsWholePages_AndKeepsTheSizeAsked(ulong size, ulong mapped)
    {
        using var client = Daemon.Connect();

        client.Add("memory-backend-ram", "m", new() { ["size"] = size });

        Assert.Equal(mapped, Memory.Backend(mapped).Length);
        Assert.Equal(size, client.Get("m", "size").GetUInt64());
    }

    [Fact]
    public void ObjectAdd_OfRamShared_IsAMemfdNamedByTheId()
    {
        using var client = Daemon.Connect();

        client.Add("memory-backend-ram", "mem0", new() { ["size"] = MiB, ["share"] = true });

        var file = Memory.Single("/memfd:mem0 ");
        using var handle = file.Open();
        Assert.Equal("rw-s", Memory.Backend(MiB).Permissions);
        Assert.Equal((long)MiB, RandomAccess.GetLength(handle));
    }

    [Fact]
    public void ObjectAdd_OfRamShared_IsNamedByThePath_WhenTheCanonicalNameIsUsed()
    {
        using var client = Daemon.Connect();

        client.Add("memory-backend-ram", "mem0",
            new() { ["size"] = MiB, ["share"] = true, ["x-use-canonical-path-for-ramblock-id"] = true });

        Memory.Single("/memfd:/objects/mem0 ");
    }

    [Theory]
    [InlineData(true, 7)]
    [InlineData(false, 1)]
    public void ObjectAdd_OfMemfd_IsSealedAsAsked(bool seal, int seals)
    {
        using var client = Daemon.Connect();

        client.Add("memory-backend-memfd", "m", new() { ["size"] = MiB, ["seal"] = seal });

        var file = Memory.Single("/memfd:memory-backend-memfd ");
        using var handle = file.Open();
        Assert.Equal(seals, Wire.Seals(handle));
        // Not the kernel's 777: docs/compatibility.md.
        Assert.Equal("600", ProcMemory.Stat(file.Path).Mode);
        if (seal)
            Assert.ThrowsAny<Exception>(() => RandomAccess.SetLength(handle, 0));
    }

    [FactIf(Need.DevShm)]
    public void ObjectAdd_OfShm_IsUnlinkedAtOnce_AndOpenToItsOwnerOnly()
    {
        using var client = Daemon.Connect();

        client.Add("memory-backend-shm", "m", new() { ["size"] = MiB });

        var file = Memory.Single("/dev/shm/");
        Assert.EndsWith("(deleted)", file.Target, StringComparison.Ordinal);
        // QEMU leaves mode 0; here the memory is lent, by opening it again.
        Assert.Equal("600", ProcMemory.Stat(file.Path).Mode);
        Assert.Empty(Directory.GetFiles("/dev/shm", $"qemu-{Daemon.Pid}-*"));
    }

    [Fact]
    public void SharedMemory_ShowsWhatOthersWrite_AndIsWrittenByThem()
    {
        using var client = Daemon.Connect();
        client.Add("memory-backend-memfd", "m", new() { ["size"] = MiB });
        using var first = Memory.Single("/memfd:memory-backend-memfd ").Open();
        using var second = Memory.Single("/memfd:memory-backend-memfd ").Open();
        var text = Encoding.ASCII.GetBytes("written by a consumer");

        RandomAccess.Write(first, text, 4096);

        var read = new byte[text.Length];
        RandomAccess.Read(second, read, 4096);
        Assert.Equal(text, read);
    }

    [Theory]
    [InlineData("memory-backend-ram")]
    [InlineData("memory-backend-memfd")]
    [InlineData("memory-backend-shm")]
    public void ObjectDel_AnswersWhenTheMemoryIsGone(string type)
    {
        using var client = Daemon.Connect();
        client.Add(type, "m", new() { ["size"] = 64 * MiB, ["prealloc"] = true });
        Assert.Equal(64 * MiB, Memory.Backend(64 * MiB).Resident);

        client.Delete("m");

        Assert.Null(Memory.TryGuarded(64 * MiB));
        Assert.DoesNotContain(Memory.Files(), f => f.Target.Contains("memfd:", StringComparison.Ordinal)
            && f.Target.Contains("memory-backend", StringComparison.Ordinal));
    }

    // The name of a memfd has 249 bytes at most; QEMU 11.1 gives it the id as it is, and the kernel refuses.
    [Theory]
    [InlineData(249)]
    [InlineData(250)]
    [InlineData(5000)]
    public void SharedRam_OfALongId_IsMade(int length)
    {
        using var client = Daemon.Connect();

        client.Add("memory-backend-ram", new('i', length), new() { ["size"] = 64 * MiB, ["share"] = true });

        Assert.Contains(Memory.Files(), f => f.Target == $"/memfd:{new string('i', Math.Min(length, 249))} (deleted)");
    }

    // QEMU 11.1 looks at the lowest bit whether huge pages are wanted or not: an odd number is as good as none.
    [Theory]
    [InlineData(3145728ul, false)]
    [InlineData(6144ul, false)]
    [InlineData(12288ul, false)]
    [InlineData(0xC000000000000000ul, false)]
    [InlineData(0xFFFFFFFFFFFFFFFEul, false)]
    [InlineData(1ul, true)]
    [InlineData(3ul, true)]
    [InlineData(4095ul, true)]
    [InlineData(4096ul, true)]
    [InlineData(0x8000000000000000ul, true)]
    [InlineData(0xFFFFFFFFFFFFFFFFul, true)]
    public void MemfdOfASizeOfHugePageThatThereIsNot_IsRefusedAlsoWithoutHugePages(ulong hugePage, bool accepted)
    {
        using var client = Daemon.Connect();
        System.Text.Json.Nodes.JsonObject arguments = new() { ["size"] = 64 * MiB, ["hugetlbsize"] = hugePage };

        if (accepted)
            client.Add("memory-backend-memfd", "m", arguments);
        else
            Assert.Equal("Hugepage size must be a power of 2", client.AddRefused("memory-backend-memfd", "m", arguments));

        Assert.Equal(accepted ? ["m"] : [], client.Memdevs());
    }

    [Fact]
    public void ThreadContext_IsAThreadOfThatName_WithTheCpusAsked()
    {
        using var client = Daemon.Connect();

        client.Add("thread-context", "t0", new() { ["cpu-affinity"] = new System.Text.Json.Nodes.JsonArray(0) });

        var tid = client.Get("t0", "thread-id").GetInt32();
        Assert.Equal("TC t0", File.ReadAllText($"/proc/{Daemon.Pid}/task/{tid}/comm").TrimEnd());
        var status = File.ReadAllLines($"/proc/{Daemon.Pid}/task/{tid}/status");
        Assert.Contains("Cpus_allowed_list:\t0", status);
        client.Delete("t0");
        Eventually.True(() => !Directory.Exists($"/proc/{Daemon.Pid}/task/{tid}"), "the context's thread to end");
    }
}
