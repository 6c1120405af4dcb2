using HostMemd.Integration.Harness;
using HostMemd.Qapi;
using Xunit.Abstractions;
using static HostMemd.Integration.Harness.Need;

namespace HostMemd.Integration.Handover;

/// <summary>Users that never asked, or no longer count as having asked: the kernel knows of them, and so does the daemon.</summary>
public sealed class KernelHolderTests(ITestOutputHelper output) : HandoverTest(output)
{
    [FactIf(Python3)]
    public async Task OpenedByPath_WithoutAsking_Counts()
    {
        await AddMemfdAsync("m");
        var consumer = NewConsumer();
        consumer.Do($"open {await PathOfAsync("m")} {MiB}");
        await AssertHeldBy(consumer);

        consumer.Do("map");
        await AssertHeldBy(consumer);
    }

    [FactIf(Python3)]
    public async Task MappedAndClosed_Counts()
    {
        await AddMemfdAsync("m");
        var consumer = NewConsumer();
        consumer.Do($"open {await PathOfAsync("m")} {MiB}", "map", "close");
        await AssertHeldBy(consumer);
    }

    [FactIf(Python3)]
    public async Task OpenAndUnmapped_Counts()
    {
        await AddMemfdAsync("m");
        var consumer = NewConsumer();
        consumer.Do($"open {await PathOfAsync("m")} {MiB}", "map", "unmap");
        await AssertHeldBy(consumer);
    }

    [FactIf(Python3)]
    public async Task UnmapOfALoanThatIsStillUsed_DoesNotFreeTheMemory()
    {
        await AddMemfdAsync("m");
        var consumer = NewConsumer();
        var mapping = consumer.Ask("borrow m");
        consumer.Do("map");
        await Client.UnmapAsync(mapping);
        await AssertHeldBy(consumer);
    }

    async Task AssertHeldBy(Consumer consumer)
    {
        Assert.Equal(Mapped("m"), await RefusedAsync(Client.DeleteObjectAsync("m")));
        var user = Assert.Single(await Client.QueryMappingsAsync("m"));
        Assert.Equal((MemdevMappingKind.Kernel, consumer.Pid), (user.Kind, (int)user.Pid));
        Assert.StartsWith("python3", user.Comm, StringComparison.Ordinal);
        Assert.False(user.ReadOnly);
    }

    [FactIf(Python3)]
    public async Task HolderThatIsKilled_FreesTheMemory()
    {
        await AddMemfdAsync("m");
        var consumer = NewConsumer();
        consumer.Do($"open {await PathOfAsync("m")} {MiB}", "map");
        await AssertHeldBy(consumer);
        consumer.Kill();
        DeleteWhenFree("m");
    }

    [Fact]
    public async Task DescriptorInFlight_Counts()
    {
        await AddMemfdAsync("m");
        using var lender = Daemon.Connect();
        // Lent to a process that will not end, given back, and never received: it waits in the socket.
        lender.Command("memdev-map", new() { ["id"] = "m" });
        Eventually.True(() => Client.QueryMappingsAsync("m").Result.Count == 1, "the loan");
        await Client.UnmapAsync((await Client.QueryMappingsAsync("m"))[0].Mapping!);

        Assert.Equal(Mapped("m"), await RefusedAsync(Client.DeleteObjectAsync("m")));
        Assert.Equal(MemdevMappingKind.Unseen, Assert.Single(await Client.QueryMappingsAsync("m")).Kind);
        lender.Dispose();
        DeleteWhenFree("m");
    }

    [Fact]
    public async Task TwoObjectsOnOneFile_DoNotHoldEachOther()
    {
        var file = new Members
        {
            { "size", Value.From(MiB) }, { "share", Value.From(true) }, { "mem-path", Value.From(InFolder("f")) },
        };
        await Client.AddObjectAsync("memory-backend-file", "one", file);
        await Client.AddObjectAsync("memory-backend-file", "two", file);
        await Client.DeleteObjectAsync("one");
        await Client.DeleteObjectAsync("two");
    }
}
