using HostMemd.Client;
using HostMemd.Integration.Harness;
using HostMemd.Qapi;
using Xunit.Abstractions;

namespace HostMemd.Integration.Handover;

/// <summary>A test with a daemon, a client of the library for what is not about raw bytes, and other processes.</summary>
public abstract class HandoverTest(ITestOutputHelper output) : DaemonTest(output)
{
    protected const long MiB = 1 << 20;

    HostMemdClient? _client;

    /// <summary>The daemon's client, made when first asked for.</summary>
    protected HostMemdClient Client => _client ??= Keep(HostMemdClient.ConnectAsync(Daemon.SocketPath).GetAwaiter().GetResult());

    private protected Consumer NewConsumer() => Keep(new Consumer(Daemon));

    private protected ProcMemory InDaemon => new(Daemon.Pid);

    protected Task AddMemfdAsync(string id, long size = MiB) => Client.AddObjectAsync("memory-backend-memfd", id, SizeOf(size));

    protected static Members SizeOf(long size) => new() { { "size", Value.From(size) } };

    protected async Task<string> RefusedAsync(Task command) => (await Assert.ThrowsAsync<QmpException>(() => command)).Message;

    protected static string Mapped(string id) => $"Cannot delete host memory backend '{id}' which is mapped";

    /// <summary>A path that opens the memory, from the daemon. No lease remains.</summary>
    protected async Task<string> PathOfAsync(string id)
    {
        await using var loan = await Client.BorrowAsync(id);
        return loan.Info.Path!;
    }

    /// <summary>Deletes memory whose last user has just ended. The kernel may still be releasing that user's mapping.</summary>
    protected void DeleteWhenFree(string id)
    {
        using var client = Daemon.Connect();
        Eventually.True(() => client.Execute("object-del", new() { ["id"] = id }).TryGetProperty("return", out _), $"'{id}' is free");
    }

    protected int DescriptorsBefore { get; private set; }

    /// <summary>Counts the daemon's descriptors, after it has opened those that it keeps after its first loan and scan.</summary>
    protected async Task CountDescriptorsAsync()
    {
        await AddMemfdAsync("warm");
        await (await Client.MapAsync("warm")).DisposeAsync();
        await Client.QueryMappingsAsync();
        await Client.DeleteObjectAsync("warm");
        // Clients that have just left are closed when the number is stable.
        var (last, same) = (-1, 0);
        Eventually.True(() =>
        {
            var now = InDaemon.FileCount;
            same = now == last ? same + 1 : 0;
            last = now;
            return same == 5;
        }, "a steady number of descriptors");
        DescriptorsBefore = last;
    }

    protected void AssertNoLeak() => Eventually.AtMost(DescriptorsBefore, () => InDaemon.FileCount, "descriptors of the daemon");
}
