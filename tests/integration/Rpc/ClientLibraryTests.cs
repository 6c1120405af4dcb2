using System.Net.Sockets;
using HostMemd.Client;
using HostMemd.Integration.Harness;
using HostMemd.Qapi;
using Xunit.Abstractions;

namespace HostMemd.Integration.Rpc;

/// <summary>The client library over either protocol: the address decides, the API is the same.</summary>
[Collection(nameof(Harness.Machine))]
public sealed class ClientLibraryTests(ITestOutputHelper output) : RpcTest(output)
{
    Task<HostMemdClient> ConnectAsync(bool rpc)
    {
        var daemon = Serve();
        return HostMemdClient.ConnectAsync(rpc ? $"jsonrpc:{RpcPath}" : daemon.SocketPath);
    }

    static Members Size(long size, bool prealloc = false) => new() { { "size", Value.From(size) }, { "prealloc", Value.From(prealloc) } };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Memory_IsMadeLentAndDeleted(bool rpc)
    {
        await using var client = await ConnectAsync(rpc);
        Assert.StartsWith("hostmemd ", client.Package, StringComparison.Ordinal);
        Assert.Equal(11, client.QemuVersion.Major);
        var events = client.Events().GetAsyncEnumerator();
        await client.WatchAsync(true);

        await client.AddObjectAsync("memory-backend-memfd", "m", Size(1 << 20));

        Assert.True(await events.MoveNextAsync());
        Assert.Equal(("MEMDEV_ADDED", "m"), (events.Current.Name, events.Current.Text("id")));
        Assert.True(events.Current.Timestamp > DateTimeOffset.UnixEpoch);
        await using (var memory = await client.MapAsync("m"))
        {
            memory.GetSpan(0, 4096).Fill(1);
            var refused = await Assert.ThrowsAsync<QmpException>(() => client.DeleteObjectAsync("m"));
            Assert.Equal("Cannot delete host memory backend 'm' which is mapped", refused.Message);
        }
        await client.DeleteObjectAsync("m");
        Assert.Empty(await client.QueryMemdevAsync());
        var missing = await Assert.ThrowsAsync<QmpException>(() => client.GetPropertyAsync("/x", "y"));
        Assert.Equal(ErrorClass.DeviceNotFound, missing.Class);
    }

    [FactIf(Need.ThreeGiBFree)]
    public async Task Cancelling_OverJsonRpc_EndsTheCommand()
    {
        await using var client = await ConnectAsync(rpc: true);
        using var cancellation = new CancellationTokenSource();
        var adding = client.AddObjectAsync("memory-backend-memfd", "m", Size(3L << 30, prealloc: true), cancellation.Token);
        while ((await client.QueryJobsAsync()).Count == 0)
            await Task.Yield();

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => adding);
        // The daemon has answered the cancelled request by then: it reads in order.
        for (var jobs = 1; jobs > 0; jobs = (await client.QueryJobsAsync()).Count)
            await Task.Yield();
        Assert.Empty(await client.QueryMemdevAsync());
    }

    [Fact]
    public async Task Stream_IsAsGoodAsAnAddress()
    {
        Serve();
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(RpcPath));

        await using var client = await HostMemdClient.ConnectJsonRpcAsync(new NetworkStream(socket, ownsSocket: true));

        Assert.Empty(await client.QueryMemdevAsync());
    }
}
