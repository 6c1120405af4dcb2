using System.Text;
using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Sockets;

/// <summary>Many clients on several sockets, which connect and leave in every way (qmp.md § 1, clients.md § 1).</summary>
public sealed class SocketTests(ITestOutputHelper output) : DaemonTest(output)
{
    [Fact]
    public void Greeting_IsTheFirstThingSent_InOneWrite_EndedByCrLf()
    {
        using var client = Daemon.ConnectSilently();

        var greeting = client.Line();

        Assert.StartsWith("{\"QMP\": {\"version\": {\"qemu\": {\"micro\": ", greeting, StringComparison.Ordinal);
        Assert.Equal(11, QmpClient.Parse(greeting).GetProperty("QMP").GetProperty("version").GetProperty("qemu").GetProperty("major").GetInt32());
        Assert.Equal("", client.Rest);
    }

    [Fact]
    public void Commands_SentBeforeTheGreetingIsRead_AreAnswered()
    {
        using var client = Daemon.ConnectSilently();

        client.Send("{\"execute\":\"qmp_capabilities\",\"id\":\"8249:1\"}{\"execute\":\"query-memdev\",\"arguments\":{},\"id\":\"8249:2\"}");

        Assert.Contains("QMP", client.Line(), StringComparison.Ordinal);
        Assert.Equal("{\"return\": {}, \"id\": \"8249:1\"}", client.Line());
        Assert.Equal("{\"return\": [], \"id\": \"8249:2\"}", client.Line());
    }

    [Fact]
    public void ManyClients_AreServedAtOnce_EachWithItsOwnNegotiation()
    {
        var clients = Enumerable.Range(0, 200).Select(_ => Keep(Daemon.ConnectSilently())).ToArray();
        foreach (var client in clients)
            client.Line();

        foreach (var client in clients.Take(100))
            client.Ok("qmp_capabilities");

        foreach (var client in clients.Take(100))
            client.Ok("query-version");
        foreach (var client in clients.Skip(100))
            Assert.Equal("Expecting capabilities negotiation with 'qmp_capabilities'", client.Refused("query-version"));
    }

    [Fact]
    public void SeveralSockets_ShareTheObjects()
    {
        var folder = DaemonProcess.NewFolder();
        var second = Path.Combine(folder, "second.sock");
        var third = Path.Combine(folder, "third.sock");
        var daemon = StartIn(folder, "--qmp", $"unix:{folder}/qmp.sock,server=on,wait=off", "--qmp", $"unix:{second}",
            "--chardev", $"socket,id=c,path={third},server=on,wait=off", "--monitor", "chardev=c,mode=control");
        daemon.AwaitListening(second);
        daemon.AwaitListening(third);
        using var one = daemon.Connect();
        using var two = QmpClient.Negotiated(second);
        using var three = QmpClient.Negotiated(third);

        one.Add("memory-backend-ram", "m", new() { ["size"] = 4096 });

        Assert.Equal(["m"], two.Memdevs());
        three.Delete("m");
        Assert.Empty(one.Memdevs());
    }

    [Fact]
    public void PrettyMonitor_IndentsItsReplies()
    {
        var folder = DaemonProcess.NewFolder();
        var daemon = StartIn(folder, "--qmp", $"unix:{folder}/qmp.sock",
            "--chardev", $"socket,id=c,path={folder}/pretty.sock,server=on,wait=off", "--monitor", "chardev=c,mode=control,pretty=on");
        daemon.AwaitListening(Path.Combine(folder, "pretty.sock"));
        using var client = new QmpClient(Path.Combine(folder, "pretty.sock"));

        Assert.Equal("{", client.Line());
        Assert.Equal("    \"QMP\": {", client.Line());
    }

    [Fact]
    public void HalfClose_AnswersAllThatWasSent_ThenEnds()
    {
        using var client = Daemon.Connect();
        client.Send(string.Concat(Enumerable.Range(0, 20).Select(i => QmpClient.Text("query-version", null, i))));

        client.Shutdown();

        for (var i = 0; i < 20; i++)
            Assert.Equal(i, client.Reply().GetProperty("id").GetInt32());
        Assert.True(client.Ends());
        Assert.Equal("", client.Rest);
    }

    [Fact]
    public void HalfClose_WithASlowCommandSent_WaitsForItsAnswer()
    {
        using var client = Daemon.Connect();
        client.Send(QmpClient.AddText("memory-backend-ram", "m", new() { ["size"] = 256 << 20, ["prealloc"] = true }, 1)
            + QmpClient.Text("query-memdev", null, 2));

        client.Shutdown();

        Assert.Equal("{\"return\": {}, \"id\": 1}", client.Line());
        Assert.Equal(1, client.Reply().GetProperty("return").GetArrayLength());
        Assert.True(client.Ends());
    }

    [Fact]
    public void HalfClose_WithNothingSent_EndsTheConnection()
    {
        using var client = Daemon.ConnectSilently();
        client.Line();

        client.Shutdown();

        Assert.True(client.Ends());
    }

    [Fact]
    public void Disconnect_DropsHalfACommand_AndTheNextClientStartsAfresh()
    {
        using (var first = Daemon.Connect())
            first.Send("{\"execute\": \"object-add\", \"arguments\": {\"qom-type\": [[[\"");

        using var second = Daemon.Connect();

        second.Send("}\n");
        // The position counts from this client's first byte: the line of its negotiation is the first.
        Assert.Equal("2:1: JSON parse error, expecting value", second.Reply().GetProperty("error").GetProperty("desc").GetString());
    }

    [Fact]
    public void Objects_SurviveTheClientThatMadeThem()
    {
        using (var first = Daemon.Connect())
            first.Add("memory-backend-ram", "m", new() { ["size"] = 4096 });

        using var second = Daemon.Connect();

        Assert.Equal(["m"], second.Memdevs());
    }

    [Fact]
    public void Pipelined_ThousandsOfCommands_AreAnsweredInOrder()
    {
        const int Count = 20_000;
        using var client = Daemon.Connect();
        var text = new StringBuilder();
        for (var i = 0; i < Count; i++)
            text.Append(QmpClient.Text("query-version", null, i)).Append('\n');

        client.Send(text.ToString());

        for (var i = 0; i < Count; i++)
            Assert.Equal(i, client.Reply().GetProperty("id").GetInt32());
    }

    [Fact]
    public void ClientThatDoesNotRead_IsNotReadEither_AndNobodyElseNotices()
    {
        using var other = Daemon.Connect();
        using var silent = Daemon.Connect();
        var text = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("{\"execute\":\"query-qmp-schema\"}\n", 200_000)));
        var before = new ProcMemory(Daemon.Pid).Status("VmRSS");

        var taken = silent.SendWhileRead(text, TimeSpan.FromMilliseconds(500));

        Assert.InRange(taken, 1, text.Length - 1);
        other.Ok("query-version");
        // Each request is some 100 KiB of reply: unbounded, this would be gigabytes.
        Assert.InRange(new ProcMemory(Daemon.Pid).Status("VmRSS"), 0ul, before + (128ul << 20));
    }

    [Fact]
    public void RequestBeyondTheLimit_IsRefused_AndTheConnectionGoesOn()
    {
        using var client = Daemon.Connect();

        client.Send("{\"execute\":\"query-version\",\"id\":\"" + new string('x', 5 << 20) + "\"}\n");
        var error = client.Reply().GetProperty("error").GetProperty("desc").GetString()!;
        // 0x01 ends what was cut off, and a new message begins.
        client.Send("\u0001\n{\"execute\":\"query-memdev\",\"id\":\"after\"}\n");

        Assert.Contains("request-bytes", error, StringComparison.OrdinalIgnoreCase);
        string line;
        do
            line = client.Line();
        while (!line.Contains("after", StringComparison.Ordinal));
        Assert.Equal("{\"return\": [], \"id\": \"after\"}", line);
    }

    [Fact]
    public void Schema_IsBelow64KiB_AndReachesEveryType()
    {
        using var client = Daemon.Connect();

        client.Command("query-qmp-schema");
        var line = client.Line();

        Assert.InRange(line.Length, 1, (64 << 10) - 1);
        var entries = QmpClient.Parse(line).GetProperty("return").EnumerateArray().ToDictionary(e => e.GetProperty("name").GetString()!);
        foreach (var entry in entries.Values)
            Assert.All(References(entry), name => Assert.Contains(name, entries.Keys));
        Assert.Equal(client.Ok("query-commands").EnumerateArray().Select(c => c.GetProperty("name").GetString()).Order(),
            entries.Values.Where(e => e.GetProperty("meta-type").GetString() == "command").Select(e => e.GetProperty("name").GetString()).Order());
    }

    // Every type that an entry names.
    static IEnumerable<string> References(System.Text.Json.JsonElement entry)
    {
        foreach (var member in (string[])["arg-type", "ret-type", "element-type"])
        {
            if (entry.TryGetProperty(member, out var name))
                yield return name.GetString()!;
        }
        foreach (var list in (string[])["members", "variants"])
        {
            if (!entry.TryGetProperty(list, out var items))
                continue;
            foreach (var item in items.EnumerateArray())
            {
                if (item.TryGetProperty("type", out var name))
                    yield return name.GetString()!;
            }
        }
    }

    [FactIf(Need.Socat)]
    public void Socat_OneLiner_IsAnswered()
    {
        var (status, output, _) = Program.Run(
            "{\"execute\":\"qmp_capabilities\"}{\"execute\":\"query-memdev\"}", "socat", "-t", "5", "-", $"UNIX:{Daemon.SocketPath}");

        Assert.Equal(0, status);
        Assert.Equal(["{\"return\": {}}", "{\"return\": []}"], output.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Skip(1));
    }
}
