using HostMemd.Client;
using HostMemd.Qapi;

namespace HostMemd.Unit.Client;

public sealed class HostMemdClientTests : IDisposable
{
    readonly FakeDaemon _daemon = new();

    public void Dispose() => _daemon.Dispose();

    [Fact]
    public async Task Greeting_IsUnderstood()
    {
        await using var client = await _daemon.ClientAsync();
        Assert.Equal((new Version(11, 1, 2), "fake 1"), (client.QemuVersion, client.Package));
    }

    [Fact]
    public async Task Refusal_HasTheDaemonsClassAndText()
    {
        await using var client = await _daemon.ClientAsync();
        var call = client.DeleteObjectAsync("m");
        Assert.Contains("object-del", await _daemon.LineAsync(), StringComparison.Ordinal);
        _daemon.Send("""{"id": 2, "error": {"class": "DeviceNotFound", "desc": "no"}}""");
        var refusal = await Assert.ThrowsAsync<QmpException>(() => call);
        Assert.Equal((ErrorClass.DeviceNotFound, "no"), (refusal.Class, refusal.Message));
    }

    [Fact]
    public async Task Replies_FindTheirCalls_InAnyOrder()
    {
        await using var client = await _daemon.ClientAsync();
        var first = client.GetPropertyAsync("/objects/m", "a");
        var second = client.GetPropertyAsync("/objects/m", "b");
        _daemon.Send("""{"return": "second", "id": 3}""");
        _daemon.Send("""{"return": "first", "id": 2}""");
        Assert.Equal((Value.From("first"), Value.From("second")), (await first, await second));
    }

    [Fact]
    public async Task CancelledCall_LosesOnlyItsReply()
    {
        await using var client = await _daemon.ClientAsync();
        using var giveUp = new CancellationTokenSource();
        var slow = client.GetPropertyAsync("/objects/m", "slow", giveUp.Token);
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => slow);

        var next = client.GetPropertyAsync("/objects/m", "next");
        _daemon.Send("""{"return": "late", "id": 2}""");
        _daemon.Send("""{"return": "next", "id": 3}""");
        Assert.Equal(Value.From("next"), await next);
    }

    [Fact]
    public async Task CancelledLoan_IsGivenBack_AndItsDescriptorIsNotTheNextOnes()
    {
        await using var client = await _daemon.ClientAsync();
        using var giveUp = new CancellationTokenSource();
        var cancelled = client.BorrowAsync("m", cancellation: giveUp.Token);
        await _daemon.LineAsync();
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        var wanted = client.BorrowAsync("m");
        await _daemon.LineAsync();

        _daemon.Lend(2, "late", "wrong one");
        _daemon.Lend(3, "good", "right one!");

        using var loan = await wanted;
        Assert.Equal("good", loan.Info.Mapping);
        Assert.Equal("right one!".Length, RandomAccess.GetLength(loan.Descriptor));
        var unmap = await _daemon.LineAsync();
        Assert.Contains("memdev-unmap", unmap, StringComparison.Ordinal);
        Assert.Contains("\"late\"", unmap, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoanWithoutItsDescriptor_IsGivenBack()
    {
        await using var client = await _daemon.ClientAsync();
        var loan = client.BorrowAsync("m");
        await _daemon.LineAsync();
        _daemon.Lend(2, "bare", "x", withDescriptor: false);
        Assert.Contains("\"bare\"", await _daemon.LineAsync(), StringComparison.Ordinal);
        _daemon.Send("""{"return": {}, "id": 3}""");
        await Assert.ThrowsAsync<IOException>(() => loan);
    }

    [Fact]
    public async Task Mapping_ShowsTheFile_AndIsGivenBackOnce()
    {
        await using var client = await _daemon.ClientAsync();
        var mapping = client.MapAsync("m");
        await _daemon.LineAsync();
        _daemon.Lend(2, "map7", new string('a', 4096) + new string('b', 8192), offset: 4096);
        var memory = await mapping;
        Assert.Equal(8192, memory.Length);
        Assert.Equal("bb"u8, [memory.GetReadOnlySpan(0, 1)[0], memory.GetReadOnlySpan(8191, 1)[0]]);
        using (memory.GetMemory(4096, 16).Pin())
        {
            memory.Dispose();
            // Pinned: not unmapped, so not given back yet.
            Assert.False(memory.Descriptor.IsClosed);
        }
        Assert.True(memory.Descriptor.IsClosed);
        Assert.Contains("\"map7\"", await _daemon.LineAsync(), StringComparison.Ordinal);
        Assert.Throws<ObjectDisposedException>(() => memory.GetReadOnlySpan(0, 1));
        memory.Dispose();
        var next = client.QueryJobsAsync();
        Assert.Contains("query-jobs", await _daemon.LineAsync(), StringComparison.Ordinal);
        _daemon.Send("""{"return": [], "id": 4}""");
        Assert.Empty(await next);
    }

    [Fact]
    public async Task Events_ComeInOrder_FromWhenTheyWereAskedFor()
    {
        await using var client = await _daemon.ClientAsync();
        var events = client.Events().GetAsyncEnumerator();
        _daemon.Send("""{"timestamp": {"seconds": 10, "microseconds": 500}, "event": "MEMDEV_ADDED", "data": {"id": "m"}}""");
        _daemon.Send("""{"timestamp": {"seconds": 11, "microseconds": 0}, "event": "SHUTDOWN"}""");
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(("MEMDEV_ADDED", "m"), (events.Current.Name, events.Current.Text("id")));
        Assert.Equal(DateTimeOffset.UnixEpoch.AddSeconds(10).AddMicroseconds(500), events.Current.Timestamp);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal(("SHUTDOWN", null), (events.Current.Name, events.Current.Number("pid")));
        await client.DisposeAsync();
        Assert.False(await events.MoveNextAsync());
    }

    [Fact]
    public async Task LostConnection_FailsAllThatWait_AndAllThatCome()
    {
        await using var client = await _daemon.ClientAsync();
        var events = client.Events().GetAsyncEnumerator();
        var call = client.QueryJobsAsync();
        await _daemon.LineAsync();
        _daemon.Close();
        await Assert.ThrowsAsync<IOException>(() => call);
        await Assert.ThrowsAsync<IOException>(async () => await events.MoveNextAsync());
        await Assert.ThrowsAsync<IOException>(() => client.QueryJobsAsync());
    }

    [Fact]
    public async Task ErrorWithoutAnId_BelongsToTheOldestCall()
    {
        await using var client = await _daemon.ClientAsync();
        var (first, second) = (client.QueryJobsAsync(), client.QueryJobsAsync());
        _daemon.Send("""{"error": {"class": "GenericError", "desc": "request is larger than the limit"}}""");
        _daemon.Send("""{"return": [], "id": 3}""");
        await Assert.ThrowsAsync<QmpException>(() => first);
        Assert.Empty(await second);
    }

    [Fact]
    public async Task NoDaemon_IsSaidAtOnce()
    {
        await Assert.ThrowsAnyAsync<System.Net.Sockets.SocketException>(() => HostMemdClient.ConnectAsync(_daemon.Path + ".none"));
        var connecting = HostMemdClient.ConnectAsync(_daemon.Path);
        await _daemon.AcceptAsync();
        _daemon.Send("SSH-2.0-OpenSSH");
        await Assert.ThrowsAsync<IOException>(() => connecting);
    }
}
