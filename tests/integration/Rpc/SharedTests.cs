using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Rpc;

/// <summary>What clients of both protocols share: events, descriptors, limits, the end.</summary>
public sealed class SharedTests(ITestOutputHelper output) : RpcTest(output)
{
    const int SIGTERM = 15;

    static JsonObject New(string id, int size = 4096) => new() { ["qom-type"] = "memory-backend-memfd", ["id"] = id, ["size"] = size };

    [Fact]
    public void Events_AreNotifications_AndExtensionsGoToWatchersOnly()
    {
        var watcher = Client(headers: true);
        var other = Client();
        var silent = Client();
        watcher.Ok("memdev-watch", new JsonObject { ["enable"] = true });
        other.Ok("query-name");

        Connect().Ok("object-add", New("m"));

        var added = watcher.Notification("MEMDEV_ADDED");
        Assert.Equal("m", added.GetProperty("data").GetProperty("id").GetString());
        Assert.True(added.GetProperty("timestamp").GetProperty("seconds").GetInt64() > 0);
        Assert.Empty(other.Notifications("MEMDEV_ADDED"));
        other.Ok("memdev-prealloc", new JsonObject { ["id"] = "m", ["job-id"] = "j" });
        Assert.Equal("j", other.Notification("JOB_STATUS_CHANGE").GetProperty("data").GetProperty("id").GetString());
        watcher.Notification("JOB_STATUS_CHANGE");
        Assert.Null(silent.TryMessage(TimeSpan.FromMilliseconds(50)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Descriptor_ComesWithTheFirstByteOfItsReply(bool headers)
    {
        var client = Client(headers);
        client.Ok("object-add", New("m", 1 << 20));

        var mapping = client.Ok("memdev-map", new JsonObject { ["id"] = "m" });

        Assert.Single(client.Received);
        Assert.Equal(1 << 20, RandomAccess.GetLength(client.Received[0]));
        client.Ok("memdev-unmap", new JsonObject { ["mapping"] = mapping.GetProperty("mapping").GetString() });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Descriptor_GoesWithItsRequest(bool headers)
    {
        var client = Client(headers);
        var (read, write) = Wire.Pipe();
        using (read)
        using (write)
        {
            client.Reply(client.Begin("getfd", new JsonObject { ["fdname"] = "p" }, read));
            client.Ok("closefd", new JsonObject { ["fdname"] = "p" });
            Assert.Equal(-32000, RpcClient.Code(client.Error("getfd", new JsonObject { ["fdname"] = "p" })));
        }
    }

    [Fact]
    public void PipelinedLoans_EachHaveTheirDescriptor()
    {
        var client = Client();
        for (var size = 1; size <= 20; size++)
            client.Ok("object-add", New($"m{size}", size * 4096));
        var ids = Enumerable.Range(1, 20).Select(size => client.Begin("memdev-map", new JsonObject { ["id"] = $"m{size}" })).ToArray();

        foreach (var id in ids)
            Assert.True(client.Reply(id).TryGetProperty("result", out _));

        Assert.Equal(Enumerable.Range(1, 20).Select(size => size * 4096L), client.Received.Select(d => RandomAccess.GetLength(d)));
    }

    [Fact]
    public void Quit_IsAnswered_AndNothingBehindItIs()
    {
        var daemon = Serve();
        var client = Client();
        client.SendBytes(RpcClient.Text("quit", null, 1) + "\n" + RpcClient.Text("query-name", null, 2) + "\n");

        Assert.Equal("{}", client.Reply(1).GetProperty("result").GetRawText());

        Assert.Equal(0, daemon.AwaitExit());
        Assert.True(client.Ends());
        Assert.Null(client.TryMessage(TimeSpan.Zero));
    }

    [Fact]
    public void Stop_AnswersWhatWasReceived()
    {
        var daemon = Serve();
        var client = Client();
        client.Ok("object-add", New("m", 256 << 20));
        var filling = client.Begin("qom-set", new JsonArray("m", "prealloc", true));
        Eventually.Equal(1, () => client.Ok("query-jobs").GetArrayLength(), "the filling");

        daemon.Signal(SIGTERM);

        client.Reply(filling);
        Assert.Equal(0, daemon.AwaitExit());
        Assert.False(File.Exists(RpcPath));
    }

    [Fact]
    public void ClientsOfBothKinds_CountTogether()
    {
        var config = Path.Combine(Folder, "config.json");
        File.WriteAllText(config, "{ \"Limits\": { \"Clients\": 3 } }");
        Serve("--config", config);
        // The one that asked whether the daemon listens leaves on its own time.
        var qmp = Connect();
        Eventually.Equal(1, () => Used(qmp, "Clients"), "clients");
        var first = Client();
        first.Ok("query-name");
        var second = Client();
        second.Ok("query-name");

        Assert.True(Client().Ends());
        Assert.Equal(3, Used(qmp, "Clients"));
        Assert.Equal(-32602, RpcClient.Code(second.Error("query-memdev-limits", new JsonArray(1))));
    }

    static int Used(QmpClient client, string limit) =>
        client.Ok("query-memdev-limits").EnumerateArray()
            .Single(l => l.GetProperty("name").GetString() == limit).GetProperty("used").GetInt32();

    [Fact]
    public void ConfiguredSocket_SpeaksWhatItIsToldTo()
    {
        var config = Path.Combine(Folder, "config.json");
        var path = Path.Combine(Folder, "other.sock");
        File.WriteAllText(config, $$"""{ "Sockets": [ { "Path": "{{path}}", "Protocol": "jsonrpc" }, "{{Folder}}/qmp.sock" ] }""");
        StartIn(Folder, "--config", config);

        using var client = new RpcClient(path);

        client.Ok("query-name");
    }

    [Fact]
    public void Takeover_TakesTheSocket_AndWhatItSpeaks()
    {
        StartIn(Folder, "--qmp", $"unix:{Folder}/qmp.sock", "--jsonrpc", $"unix:{RpcPath}",
            "--object", "memory-backend-memfd,id=m,size=1M");
        var next = StartIn(Folder, "--takeover", "--qmp", $"unix:{Folder}/qmp.sock");
        Eventually.True(() => next.Log.Contains("listens on", StringComparison.Ordinal), "the next one to serve");

        var client = Client(headers: true);

        Assert.Equal(1, client.Ok("query-memdev").GetArrayLength());
    }

    // As a service manager does it with FileDescriptorName=jsonrpc.
    const string Activate = """
        import os, socket, sys
        held = []
        for number, path in enumerate(sys.argv[2:4], 3):
            s = socket.socket(socket.AF_UNIX); s.bind(path); s.listen(); held.append(s)
            os.dup2(s.fileno(), number); os.set_inheritable(number, True)
        os.environ.update(LISTEN_FDS="2", LISTEN_FDNAMES="qmp:jsonrpc", LISTEN_PID=str(os.getpid()))
        os.execv(sys.argv[1], sys.argv[1:2])
        """;

    [FactIf(Need.Python3)]
    public void PassedSocket_SpeaksWhatItsNameSays()
    {
        StartIn(Folder, info =>
        {
            info.FileName = "python3";
            foreach (var argument in (string[])["-c", Activate, Repository.Daemon, Path.Combine(Folder, "qmp.sock"), RpcPath])
                info.ArgumentList.Add(argument);
        });

        Client().Ok("query-name");
        Connect().Ok("query-name");
    }

    [FactIf(Need.OtherUsers)]
    public void Observer_MayAsk_AndNoMore()
    {
        Serve();
        Directory.SetCurrentDirectory("/");
        File.SetUnixFileMode(Folder, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(RpcPath, (UnixFileMode)0b110_110_110);
        var (status, text, errors) = Program.Run("", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
            "/usr/bin/python3", "-c", $$"""
            import socket
            s = socket.socket(socket.AF_UNIX); s.connect("{{RpcPath}}"); f = s.makefile("rw")
            for m in ('"query-name"', '"object-add"', '"rpc.discover"'):
                f.write('{"jsonrpc":"2.0","id":1,"method":%s}\n' % m); f.flush(); print(f.readline()[:200].strip())
            """);

        Assert.True(status == 0, errors);
        var lines = text.Split('\n');
        Assert.Contains("\"result\"", lines[0], StringComparison.Ordinal);
        Assert.Contains("The command object-add needs the role admin", lines[1], StringComparison.Ordinal);
        Assert.Contains("\"result\"", lines[2], StringComparison.Ordinal);
    }
}
