using System.Text;
using HostMemd.Client;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Handover;

/// <summary>Several loans under way on one connection: each reply brings its own descriptor.</summary>
public sealed class PipelinedLoanTests(ITestOutputHelper output) : HandoverTest(output)
{
    const int Count = 64;

    static string MapRequests(int count) => string.Concat(Enumerable.Range(0, count).Select(i =>
        QmpClient.Text("memdev-map", new() { ["id"] = $"m{i % Count}", ["name"] = $"loan {i}" }, i) + "\n"));

    async Task AddAllAsync()
    {
        for (var i = 0; i < Count; i++)
            await AddMemfdAsync($"m{i}", MiB * (i + 1));
    }

    [Fact]
    public async Task ManyLoansInOneWrite_EachReplyHasItsDescriptor()
    {
        await AddAllAsync();
        using var raw = Daemon.Connect();
        raw.Send(MapRequests(Count));
        for (var i = 0; i < Count; i++)
        {
            var lent = raw.Reply().GetProperty("return");
            Assert.Equal($"m{i}", lent.GetProperty("id").GetString());
            Assert.Equal(MiB * (i + 1), RandomAccess.GetLength(raw.Received[i]));
        }
        Assert.Equal(Count, raw.Received.Count);
    }

    [Fact]
    public async Task ManyMappingsAtOnce_EachHasItsMemory()
    {
        await AddAllAsync();
        var mapped = await Task.WhenAll(Enumerable.Range(0, Count).Select(i => Client.MapAsync($"m{i}")));
        for (var i = 0; i < Count; i++)
            Assert.Equal(($"m{i}", MiB * (i + 1)), (mapped[i].Info.Id, mapped[i].Length));
        foreach (var memory in mapped)
            await memory.DisposeAsync();
        Assert.Empty(await Client.QueryMappingsAsync());
    }

    [Fact]
    public async Task ClientThatAsksThousandsOfTimesAndReadsNothing_HoldsFewDescriptors()
    {
        await CountDescriptorsAsync();
        await AddAllAsync();
        using (var silent = Daemon.Connect())
        {
            silent.SendWhileRead(Encoding.UTF8.GetBytes(MapRequests(20_000)), TimeSpan.FromSeconds(1));
            var waiting = InDaemon.FileCount - DescriptorsBefore - Count;
            Output.WriteLine($"{waiting} descriptors wait for a client that does not read");
            Assert.InRange(waiting, 1, 1000);
            // Others are served as ever.
            Assert.Equal(Count, (await Client.QueryMemdevAsync()).Count);
        }
        foreach (var user in await Client.QueryMappingsAsync())
            await Client.UnmapAsync(user.Mapping!);
        for (var i = 0; i < Count; i++)
            DeleteWhenFree($"m{i}");
        AssertNoLeak();
    }
}
