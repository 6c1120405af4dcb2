using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization;
using HostMemd.Integration.Harness;
using StreamJsonRpc;
using Xunit.Abstractions;

namespace HostMemd.Integration.Rpc;

/// <summary>StreamJsonRpc at the other end: typed proxies, <see cref="IProgress{T}"/>, <see cref="CancellationToken"/>.</summary>
[Collection(nameof(Harness.Machine))]
public sealed class LibraryTests(ITestOutputHelper output) : RpcTest(output)
{
    /// <summary>What of the daemon this client uses.</summary>
    public interface IHostMemory : IDisposable
    {
        [JsonRpcMethod("object-del")]
        Task DeleteAsync(string id);

        [JsonRpcMethod("qom-get")]
        Task<long> GetAsync(string path, string property);

        [JsonRpcMethod("query-memdev")]
        Task<Memdev[]> MemdevsAsync();

        [JsonRpcMethod("query-jobs")]
        Task<JsonElement[]> JobsAsync();
    }

    static Dictionary<string, object?> New(string id, long size, IProgress<Filled>? progress = null)
    {
        var arguments = new Dictionary<string, object?>
        {
            ["qom-type"] = "memory-backend-memfd",
            ["id"] = id,
            ["size"] = size,
            ["prealloc"] = true,
        };
        if (progress is not null)
            arguments["$progress"] = progress;
        return arguments;
    }

    public sealed record Filled([property: JsonPropertyName("current")] long Current, [property: JsonPropertyName("total")] long Total);

    public sealed record Memdev([property: JsonPropertyName("id")] string Id, [property: JsonPropertyName("size")] ulong Size);

    sealed class Reports : IProgress<Filled>
    {
        public List<Filled> All { get; } = [];

        public void Report(Filled value)
        {
            lock (All)
                All.Add(value);
        }
    }

    JsonRpc Dial(bool headers)
    {
        if (!File.Exists(RpcPath))
            Serve();
        var socket = Keep(new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified));
        socket.Connect(new UnixDomainSocketEndPoint(RpcPath));
        var stream = Keep(new NetworkStream(socket));
        var formatter = new SystemTextJsonFormatter();
        return Keep(new JsonRpc(headers
            ? new HeaderDelimitedMessageHandler(stream, formatter)
            : new NewLineDelimitedMessageHandler(stream, stream, formatter)));
    }

    [TheoryIf(Need.ThreeGiBFree)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TypedProxy_AsksCancelsAndFollowsProgress(bool headers)
    {
        var rpc = Dial(headers);
#pragma warning disable StreamJsonRpc0003 // Proxies made at run time are what most programs have.
        var memory = rpc.Attach<IHostMemory>();
#pragma warning restore StreamJsonRpc0003
        var statuses = new List<string>();
        rpc.AddLocalRpcMethod("JOB_STATUS_CHANGE", (JsonElement timestamp, JsonElement data) =>
        {
            lock (statuses)
                statuses.Add(data.GetProperty("status").GetString()!);
        });
        rpc.StartListening();
        var reports = new Reports();
        // The job of a command that its client waits for is an event for watchers only.
        await rpc.InvokeAsync("memdev-watch", true);

        await rpc.InvokeWithParameterObjectAsync("object-add", New("m", 1L << 30, reports));

        Assert.Equal(1L << 30, await memory.GetAsync("m", "size"));
        Eventually.True(() => reports.All.Count > 0 && reports.All[^1] == new Filled(1L << 30, 1L << 30), "the last report");
        Assert.Equal([new("m", 1ul << 30)], await memory.MemdevsAsync());
        Eventually.True(() => statuses.Contains("running"), "an event");
        using var cancellation = new CancellationTokenSource();
        var adding = rpc.InvokeWithParameterObjectAsync("object-add", New("large", 3L << 30), cancellation.Token);
        while ((await memory.JobsAsync()).Length == 0)
            await Task.Delay(1);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => adding);
        await memory.DeleteAsync("m");
        Assert.Empty(await memory.MemdevsAsync());
        var refused = await Assert.ThrowsAsync<RemoteInvocationException>(() => memory.DeleteAsync("m"));
        Assert.Equal("object 'm' not found", refused.Message);
        Assert.Equal(-32000, refused.ErrorCode);
        Assert.Equal("GenericError", Assert.IsType<StreamJsonRpc.Protocol.CommonErrorData>(refused.DeserializedErrorData).TypeName);
        await Assert.ThrowsAsync<RemoteMethodNotFoundException>(() => rpc.InvokeAsync("nonsense"));
    }

    [Fact]
    public async Task ManyAtOnce_AreAllAnswered()
    {
        var rpc = Dial(headers: true);
        rpc.StartListening();

        for (var round = 0; round < 20; round++)
            await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => rpc.InvokeAsync<JsonElement>("query-name")));
    }
}
