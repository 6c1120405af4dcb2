using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Microsoft.Win32.SafeHandles;
using Xunit.Abstractions;

namespace HostMemd.Integration.Sockets;

/// <summary>
/// Descriptors that clients pass: they arrive, they are used, and they never leak. A pipe shows when its other end is closed.
/// </summary>
public sealed class DescriptorTests(ITestOutputHelper output) : DaemonTest(output)
{
    ProcMemory Process => new(Daemon.Pid);

    /// <summary>A pipe whose writing end only the daemon will have.</summary>
    sealed class Passed : IDisposable
    {
        readonly SafeFileHandle _read;

        public Passed() => (_read, Handle) = Wire.Pipe();

        public SafeFileHandle Handle { get; }

        // POLLHUP: the other end is closed everywhere (poll(2)).
        public bool IsClosed => (Wire.Poll(_read, Wire.POLLIN, TimeSpan.Zero) & 0x10) != 0;

        public void AwaitClosed(string where) => Eventually.True(() => IsClosed, "the descriptor to be closed: " + where);

        public void Dispose()
        {
            Handle.Dispose();
            _read.Dispose();
        }
    }

    static Passed Send(QmpClient client, string text)
    {
        var passed = new Passed();
        client.Send(text, passed.Handle);
        passed.Handle.Dispose();
        return passed;
    }

    [Fact]
    public void Getfd_KeepsTheDescriptor_UntilClosefd()
    {
        using var client = Daemon.Connect();

        using var passed = Send(client, QmpClient.Text("getfd", new() { ["fdname"] = "a" }));
        Assert.Equal("{\"return\": {}}", client.Line());
        Assert.False(passed.IsClosed);

        client.Ok("closefd", new() { ["fdname"] = "a" });
        passed.AwaitClosed("closefd");
    }

    [Fact]
    public void Getfd_OfANameInUse_ClosesTheOldDescriptor()
    {
        using var client = Daemon.Connect();
        using var first = Send(client, QmpClient.Text("getfd", new() { ["fdname"] = "a" }));
        client.Line();

        using var second = Send(client, QmpClient.Text("getfd", new() { ["fdname"] = "a" }));
        Assert.Equal("{\"return\": {}}", client.Line());

        first.AwaitClosed("the first of that name");
        Assert.False(second.IsClosed);
    }

    [Fact]
    public void NamedDescriptors_GoWithTheClient()
    {
        var client = Daemon.Connect();
        using var passed = Send(client, QmpClient.Text("getfd", new() { ["fdname"] = "a" }));
        client.Line();

        client.Dispose();

        passed.AwaitClosed("the client's end");
    }

    [Fact]
    public void AddFd_KeepsTheDescriptor_UntilRemoveFd()
    {
        using var client = Daemon.Connect();

        using var passed = Send(client, QmpClient.Text("add-fd", new() { ["fdset-id"] = 3, ["opaque"] = "mine" }));
        var added = client.Reply().GetProperty("return");
        Assert.Equal(3, added.GetProperty("fdset-id").GetInt32());
        Assert.Contains(Process.Files(), f => f.Number == added.GetProperty("fd").GetInt32());

        client.Ok("remove-fd", new() { ["fdset-id"] = 3 });
        passed.AwaitClosed("remove-fd");
        Assert.Empty(client.Ok("query-fdsets").EnumerateArray());
    }

    [Theory]
    [InlineData("{\"execute\":\"query-version\"}")]
    [InlineData("{\"execute\":\"nope\"}")]
    [InlineData("{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"m\",\"size\":0}}")]
    [InlineData("{\"execute\":\"object-del\",\"arguments\":{\"id\":\"nope\"}}")]
    [InlineData("{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/objects\",\"property\":\"type\"}}")]
    [InlineData("{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"1a\"}}")]
    [InlineData("{\"execute\":\"getfd\"}")]
    [InlineData("{\"execute\":\"add-fd\",\"arguments\":{\"fdset-id\":-1}}")]
    [InlineData("{\"execute\":\"closefd\",\"arguments\":{\"fdname\":\"a\"}}")]
    [InlineData("{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"help\"}}")]
    [InlineData("{\"execute\":5}")]
    [InlineData("[]")]
    [InlineData("}")]
    [InlineData("@ ")]
    public void DescriptorThatNoCommandTook_IsClosedWithTheNextMessage(string text)
    {
        // The first refusal that is logged opens descriptors once, which is no leak.
        using (var first = Daemon.Connect())
        {
            using var _ = Send(first, text);
            first.Line();
        }
        using var client = Daemon.Connect();
        var files = Process.SettledFileCount();

        using var passed = Send(client, text);
        client.Line();
        client.Send("\u0001{\"execute\":\"query-memdev\",\"id\":1}");
        while (!client.Line().Contains("\"id\": 1", StringComparison.Ordinal))
        {
        }

        // Descriptors that no command took are closed when a later message brings others, or with the client.
        using var next = Send(client, "{\"execute\":\"query-memdev\",\"id\":2}");
        Assert.Contains("\"id\": 2", client.Line(), StringComparison.Ordinal);
        passed.AwaitClosed(text);
        client.Dispose();
        next.AwaitClosed("the client's end");
        Process.AwaitFiles(files - 1);
    }

    // As in QEMU a command takes the first, and the others that came with it are closed.
    [Theory]
    [InlineData(2)]
    [InlineData(64)]
    [InlineData(253)]
    public void ManyDescriptorsAtOnce_AreOneForTheCommand_AndNoneLeaks(int count)
    {
        using var client = Daemon.Connect();
        var files = Process.SettledFileCount();
        var passed = Enumerable.Range(0, count).Select(_ => Keep(new Passed())).ToArray();

        client.Send(QmpClient.Text("getfd", new() { ["fdname"] = "first" }) + QmpClient.Text("getfd", new() { ["fdname"] = "second" }),
            [.. passed.Select(p => p.Handle)]);
        foreach (var one in passed)
            one.Handle.Dispose();

        Assert.Equal("{\"return\": {}}", client.Line());
        Assert.Contains("No file descriptor supplied via SCM_RIGHTS", client.Line(), StringComparison.Ordinal);
        Process.AwaitFiles(files + 1);
        Assert.False(passed[0].IsClosed);
        Assert.All(passed.Skip(1), p => p.AwaitClosed("one that nobody took"));

        client.Dispose();
        passed[0].AwaitClosed("the client's end");
        Process.AwaitFiles(files - 1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void DescriptorWithAnyPieceOfASplitCommand_BelongsToIt(int piece)
    {
        using var client = Daemon.Connect();
        var text = QmpClient.Text("getfd", new() { ["fdname"] = "a" });
        string[] pieces = [text[..5], text[5..20], text[20..]];
        using var passed = new Passed();
        for (var i = 0; i < pieces.Length; i++)
        {
            if (i == piece)
                client.Send(pieces[i], passed.Handle);
            else
                client.Send(pieces[i]);
        }
        passed.Handle.Dispose();

        Assert.Equal("{\"return\": {}}", client.Line());
        Assert.False(passed.IsClosed);
    }

    [Fact]
    public void DescriptorsBeforeNegotiation_AndOfAClientThatLeavesAtOnce_DoNotLeak()
    {
        var files = Process.SettledFileCount();
        for (var i = 0; i < 50; i++)
        {
            using var client = Daemon.ConnectSilently();
            using var passed = Send(client, i % 2 == 0 ? "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"a\"}}" : "{\"exec");
        }

        Process.AwaitFiles(files);
    }

    [Fact]
    public void QueuedCommands_TakeTheirOwnDescriptors()
    {
        using var client = Daemon.Connect(outOfBand: true);
        client.Send(QmpClient.AddText("memory-backend-ram", "slow", new() { ["size"] = 512 << 20, ["prealloc"] = true }, "slow"));

        using var first = Send(client, QmpClient.Text("getfd", new() { ["fdname"] = "a" }, "a"));
        using var second = Send(client, QmpClient.Text("getfd", new() { ["fdname"] = "b" }, "b"));
        client.Send(QmpClient.Text("closefd", new() { ["fdname"] = "a" }, "c"));

        foreach (var id in (string[])["slow", "a", "b", "c"])
            Assert.Equal($"{{\"return\": {{}}, \"id\": \"{id}\"}}", client.Line());
        first.AwaitClosed("closefd of the first");
        Assert.False(second.IsClosed);
    }

    /// <summary>close(2) blocks, as on a file system that hangs; here because a TCP peer does not read what was sent.</summary>
    [Theory]
    [InlineData("""{"execute": "getfd", "arguments": {"fdname": "f"}}""", """{"execute": "closefd", "arguments": {"fdname": "f"}}""")]
    [InlineData("""{"execute": "query-version"}""", null)]
    public void DescriptorWhoseClosingHangs_HoldsNobodyUp(string first, string? second)
    {
        const int LingerSeconds = 20;
        using var client = Daemon.Connect();
        using var other = Connect();
        using var door = new TcpListener(IPAddress.Loopback, 0);
        door.Start();
        var stuck = new Socket(SocketType.Stream, ProtocolType.Tcp);
        stuck.Connect(door.LocalEndpoint);
        using var deaf = door.AcceptSocket();
        stuck.LingerState = new(true, LingerSeconds);
        stuck.Blocking = false;
        while (stuck.Send(new byte[65536], SocketFlags.None, out var full) > 0 && full == SocketError.Success)
        {
        }

        client.Send(first + "\n", new SafeFileHandle(stuck.Handle, ownsHandle: false));
        client.Reply();
        // Now the daemon has the last descriptor, whose close blocks.
        new SafeFileHandle(stuck.Handle, ownsHandle: true).Dispose();
        stuck.SafeHandle.SetHandleAsInvalid();
        var clock = Stopwatch.StartNew();
        if (second is null)
        {
            // With all descriptors that it sent.
            client.Dispose();
        }
        else
        {
            client.Send(second + "\n");
            client.Reply();
            client.Ok("query-version");
        }
        other.Ok("query-version");
        Daemon.Connect().Dispose();

        Assert.InRange(clock.Elapsed.TotalSeconds, 0, LingerSeconds / 2);
    }
}
