using System.Text.Json;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Security;

/// <summary>Roles by the peer's credentials (contract § 7), seen from processes of other users.</summary>
public sealed class AccessTests(ITestOutputHelper output) : SecurityTest(output)
{
    const uint Nobody = 65534;
    const uint Stranger = 12345;

    // The commands open to an observer. All others that query-commands lists need an admin.
    static readonly string[] s_observers =
    [
        "qmp_capabilities", "qom-get", "qom-list", "qom-list-get", "qom-list-types", "qom-list-properties", "memdev-watch", "device-list-properties",
    ];

    static bool IsObservers(string command) => command.StartsWith("query-", StringComparison.Ordinal) || s_observers.Contains(command);

    const string Open = """{ "Access": { "SocketMode": "0666" } }""";

    static string[] Commands(JsonElement reply) =>
        [.. reply.GetProperty("return").EnumerateArray().Select(c => c.GetProperty("name").GetString()!)];

    [FactIf(Need.OtherUsers)]
    public void Root_IsAdmin_WhateverTheLists()
    {
        var daemon = StartWith("""{ "Access": { "SocketMode": "0666", "AdminUids": [ 1 ], "ObserverUids": [ 2 ] } }""");
        using var root = daemon.Connect();

        root.Add("memory-backend-ram", "m", new() { ["size"] = 4096 });
    }

    [FactIf(Need.OtherUsers)]
    public void DaemonsOwnUser_IsAdmin()
    {
        var daemon = StartWith(Open, "setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups");
        using var own = OtherUser.Negotiated(daemon, Nobody);
        using var other = OtherUser.Negotiated(daemon, Stranger);
        using var root = daemon.Connect();

        const string Add = """{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"m","size":4096}}""";
        Assert.Equal("{\"return\": {}}", own.Line(Add));
        Assert.Equal("The command object-add needs the role admin", other.Refusal(Add));
        root.Delete("m");
    }

    [FactIf(Need.OtherUsers)]
    public void Session_SaysWhatTheClientMayDo()
    {
        var daemon = StartWith(Open);
        using var root = daemon.Connect();
        using var nobody = OtherUser.Negotiated(daemon, Nobody);

        var own = root.Ok("query-memdev-session");
        Assert.Equal("admin", own.GetProperty("role").GetString());
        Assert.Equal(0, own.GetProperty("uid").GetInt32());
        Assert.Equal(Environment.ProcessId, own.GetProperty("pid").GetInt32());
        var other = nobody.Ask("""{"execute":"query-memdev-session"}""").GetProperty("return");
        Assert.Equal("observer", other.GetProperty("role").GetString());
        Assert.Equal(Nobody, other.GetProperty("uid").GetUInt32());
        Assert.InRange(other.GetProperty("since").GetInt64(), own.GetProperty("since").GetInt64(), DateTimeOffset.UtcNow.ToUnixTimeSeconds());
    }

    [FactIf(Need.OtherUsers)]
    public void OtherUser_MayLookAtEverything_AndTouchNothing_AndIsToldOfAll()
    {
        var daemon = StartWith(Open);
        using var root = daemon.Connect();
        root.Add("memory-backend-memfd", "m", new() { ["size"] = 4096 });
        using var nobody = OtherUser.Negotiated(daemon, Nobody);

        var commands = Commands(nobody.Ask("""{"execute":"query-commands"}"""));
        Assert.Equal(Commands(root.Execute("query-commands")), commands);
        var schema = nobody.Line("""{"execute":"query-qmp-schema"}""");
        Assert.All(commands, c => Assert.Contains($"\"name\": \"{c}\"", schema, StringComparison.Ordinal));
        // With empty arguments: the daemon checks the role before the arguments.
        Assert.All(commands, c =>
        {
            var text = nobody.Ask($"{{\"execute\":\"{c}\"}}").TryGetProperty("error", out var error) ? error.GetProperty("desc").GetString() : null;
            var refusal = $"The command {c} needs the role admin";
            if (IsObservers(c))
                Assert.NotEqual(refusal, text);
            else
                Assert.Equal(refusal, text);
        });
        Assert.Equal(4096, nobody.Ask("""{"execute":"qom-get","arguments":{"path":"m","property":"size"}}""").GetProperty("return").GetInt64());
        Assert.Equal(["m"], root.Memdevs());
    }

    [FactIf(Need.OtherUsers)]
    public void Refusals_AreLoggedOnceForEachClient_WithWhoAndWhat()
    {
        // Even where only fatal errors are logged.
        var daemon = StartWith("""{ "Access": { "SocketMode": "0666" }, "Serilog": { "MinimumLevel": { "Default": "Fatal" } } }""");
        using var first = OtherUser.Negotiated(daemon, Nobody);
        using var second = OtherUser.Negotiated(daemon, Stranger);

        foreach (var user in (OtherUser[])[first, first, second])
        {
            user.Refusal("""{"execute":"quit"}""");
            user.Refusal("""{"execute":"object-del","arguments":{"id":"m"}}""");
        }

        AwaitLog(daemon, $"refused: uid {Nobody} (pid {first.Pid}) has no right to quit");
        AwaitLog(daemon, $"refused: uid {Stranger} (pid {second.Pid}) has no right to quit");
        Assert.Equal(2, daemon.LogLines.Length);
    }

    [TheoryIf(Need.OtherUsers)]
    [InlineData("\"AdminUids\": [ 65534 ]", 65534u, 65534u, null, true)]
    [InlineData("\"AdminUids\": [ \"nobody\" ]", 65534u, 65534u, null, true)]
    [InlineData("\"AdminUids\": [ 65534 ]", 12345u, 65534u, null, false)]
    [InlineData("\"AdminGids\": [ 4711 ]", 12345u, 4711u, null, true)]
    [InlineData("\"AdminGids\": [ 4711 ]", 12345u, 65534u, "100,4711", true)]
    [InlineData("\"AdminGids\": [ 4711 ]", 12345u, 65534u, "100,4712", false)]
    [InlineData("\"AdminGids\": [ \"daemon\" ], \"ObserverUids\": [ 12345 ]", 12345u, 1u, null, true)]
    public void Lists_DecideByUserAndByAnyGroup(string lists, uint uid, uint gid, string? groups, bool isAdmin)
    {
        var daemon = StartWith($$"""{ "Access": { "SocketMode": "0666", {{lists}} } }""");
        using var user = OtherUser.Negotiated(daemon, uid, gid, groups);

        var reply = user.Ask("""{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"m","size":4096}}""");

        Assert.Equal(isAdmin, reply.TryGetProperty("return", out _));
    }

    [TheoryIf(Need.OtherUsers)]
    [InlineData("\"ObserverUids\": [ 12345 ]", 12345u, 65534u, null, true)]
    [InlineData("\"ObserverUids\": [ 12345 ]", 65534u, 65534u, null, false)]
    [InlineData("\"ObserverGids\": [ 4711 ]", 65534u, 65534u, "4711", true)]
    [InlineData("\"ObserverGids\": [ 4711 ]", 65534u, 65534u, null, false)]
    [InlineData("\"ObserverGids\": [ 4711 ], \"AdminUids\": [ 65534 ]", 65534u, 65534u, null, true)]
    public void WithObserversListed_OthersAreNotServed(string lists, uint uid, uint gid, string? groups, bool isServed)
    {
        var daemon = StartWith($$"""{ "Access": { "SocketMode": "0666", {{lists}} } }""");

        using var user = new OtherUser(daemon, uid, gid, groups);

        Assert.Equal(isServed, user.IsServed);
        if (!isServed)
            AwaitLog(daemon, $"client refused: pid {user.Pid}, uid {uid}: it is on no list");
    }

    [FactIf(Need.OtherUsers)]
    public void Observer_GetsNoDescriptor_AndKeepsNoneInTheDaemon()
    {
        var daemon = StartWith(Open);
        using var root = daemon.Connect();
        root.Add("memory-backend-memfd", "m", new() { ["size"] = 4096 });
        using var nobody = OtherUser.Negotiated(daemon, Nobody);
        var files = new ProcMemory(daemon.Pid).SettledFileCount();

        foreach (var arguments in (string[])["\"id\":\"m\"", "\"id\":\"m\",\"readonly\":true", $"\"id\":\"m\",\"pid\":{nobody.Pid}"])
            Assert.Equal("The command memdev-map needs the role admin", nobody.Refusal($"{{\"execute\":\"memdev-map\",\"arguments\":{{{arguments}}}}}"));
        // The client is closed before its next message: this one never ends.
        nobody.Send("{\"execute\":\"getfd\",", 200);
        for (var i = 0; i < 20; i++)
            nobody.Send(" ", 200);

        Assert.Equal(0, nobody.Lent);
        new ProcMemory(daemon.Pid).AwaitFiles(files);
    }

    [FactIf(Need.OtherUsers)]
    public void Reload_ChangesTheRoleOfThoseWhoComeAfter()
    {
        var daemon = StartWith(Open);
        using var before = OtherUser.Negotiated(daemon, Nobody);

        File.WriteAllText(Path.Combine(daemon.Folder, "config.json"), """{ "Access": { "AdminUids": [ 65534 ] } }""");
        daemon.Signal(1);
        AwaitLog(daemon, "configuration reloaded");
        using var after = OtherUser.Negotiated(daemon, Nobody);

        const string Add = """{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"m","size":4096}}""";
        Assert.Equal("The command object-add needs the role admin", before.Refusal(Add));
        Assert.Equal("{\"return\": {}}", after.Line(Add));
    }

    [FactIf(Need.OtherUsers)]
    public void SocketMode_0600_KeepsOthersOut()
    {
        var daemon = StartWith("{}");

        var (status, _, errors) = Harness.Program.Run("", "setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups",
            "/usr/bin/python3", "-c", "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])", daemon.SocketPath);

        Assert.NotEqual(0, status);
        Assert.Contains("PermissionError", errors, StringComparison.Ordinal);
    }
}
