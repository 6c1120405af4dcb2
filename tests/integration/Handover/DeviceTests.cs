using HostMemd.Client;
using HostMemd.Integration.Harness;
using HostMemd.Qapi;
using Xunit.Abstractions;
using static HostMemd.Integration.Harness.Need;

namespace HostMemd.Integration.Handover;

/// <summary>A <c>mem-path</c> that is a device. Its users are found by the device's number, through any node.</summary>
public sealed class DeviceTests : HandoverTest
{
    readonly string _device = "";

    public DeviceTests(ITestOutputHelper output) : base(output)
    {
        if (Needs.Missing(LoopDevice) is not null)
            return;
        using (var image = File.Create(Path.Combine(Folder, "image")))
            image.SetLength(4 * MiB);
        _device = Harness.Program.Check("losetup", "--find", "--show", Path.Combine(Folder, "image")).Trim();
        Keep(new Loop(_device));
    }

    sealed class Loop(string device) : IDisposable
    {
        public void Dispose() => Harness.Program.Check("losetup", "--detach", device);
    }

    Task AddAsync(string path) => Client.AddObjectAsync("memory-backend-file", "m", new()
    {
        { "size", Value.From(4 * MiB) }, { "share", Value.From(true) }, { "mem-path", Value.From(path) },
    });

    // The kernel does not report whether a device has users. A process that cannot be inspected may be one.
    async Task<IEnumerable<MemdevMapping>> HoldersAsync() =>
        (await Client.QueryMappingsAsync("m")).Where(m => m.Kind != MemdevMappingKind.Unseen);

    // A second node of the same device has an inode of its own.
    string OtherNode()
    {
        var number = Harness.Program.Check("stat", "--format=%t %T", _device).Trim().Split(' ');
        var node = Path.Combine(Folder, "node");
        Harness.Program.Check("mknod", node, "b", $"0x{number[0]}", $"0x{number[1]}");
        return node;
    }

    [TheoryIf(LoopDevice, Python3)]
    [InlineData(false, "map", "close")]
    [InlineData(false, "map", "unmap")]
    [InlineData(true, "map", "close")]
    [InlineData(true)]
    public async Task ProcessThatMapsOrHoldsTheDevice_IsNamed_AndTheObjectStays(bool otherNode, params string[] does)
    {
        await AddAsync(_device);
        Assert.Empty(await HoldersAsync());
        var consumer = NewConsumer();
        consumer.Do([$"open {(otherNode ? OtherNode() : _device)} {4 * MiB}", .. does]);

        Assert.Equal(Mapped("m"), await RefusedAsync(Client.DeleteObjectAsync("m")));
        var user = Assert.Single(await HoldersAsync());
        Assert.Equal((MemdevMappingKind.Kernel, (long)consumer.Pid, false), (user.Kind, user.Pid, user.ReadOnly));

        consumer.Kill();
        DeleteWhenFree("m");
    }

    [FactIf(LoopDevice)]
    public async Task ObjectOnADevice_IsTakenOver()
    {
        await AddAsync(_device);
        await using (var ours = await Client.MapAsync("m"))
            ours.GetSpan(0, 1)[0] = 0x77;

        var first = Daemon;
        var next = StartIn(first.Folder, "--takeover", "--qmp", $"unix:{first.SocketPath}");
        Eventually.True(() => next.Log.Contains("listens on", StringComparison.Ordinal), "the next one to serve: " + next.Log);
        Assert.Equal(0, first.AwaitExit());

        var client = Keep(await HostMemdClient.ConnectAsync(next.SocketPath));
        await using (var again = await client.MapAsync("m"))
            Assert.Equal(0x77, again.GetReadOnlySpan(0, 1)[0]);
        await client.DeleteObjectAsync("m");
    }

    // What each process maps of /dev/zero is memory of its own.
    [FactIf(Python3)]
    public async Task Zero_IsNobodyElses()
    {
        await AddAsync("/dev/zero");
        var consumer = NewConsumer();
        consumer.Do($"open /dev/zero {4 * MiB}", "map");

        Assert.Empty(await Client.QueryMappingsAsync("m"));
        await Client.DeleteObjectAsync("m");
    }
}
