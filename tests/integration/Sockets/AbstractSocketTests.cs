using HostMemd.Client;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Sockets;

/// <summary>
/// Sockets that are no files: QEMU's <c>abstract</c> and <c>tight</c>, and <c>@NAME</c>. Clients that a file's mode would keep out are kept
/// out here too.
/// </summary>
public sealed class AbstractSocketTests(ITestOutputHelper output) : DaemonTest(output)
{
    const uint Stranger = 12345;

    readonly string _name = $"hostmemd-test-{Guid.NewGuid():N}";

    void Started(string options, string? config = null)
    {
        // The daemon makes them in this order, and the harness waits for the file.
        List<string> arguments = ["--qmp", options, "--qmp", $"unix:{Folder}/qmp.sock"];
        if (config is not null)
        {
            File.WriteAllText(Folder + "/config.json", config);
            arguments.AddRange("--config", Folder + "/config.json");
        }
        StartIn(Folder, [.. arguments]);
    }

    // As unix(7) has it and QEMU was seen to bind them: a name that is not tight has all 108 bytes.
    [Theory]
    [InlineData("unix:@{N}", "{N}", 0)]
    [InlineData("unix:{N},abstract=on", "{N}", 0)]
    [InlineData("unix:{N},abstract=on,tight=off,server=on,wait=off", "{N}", 107)]
    [InlineData("unix:@{N},abstract=on", "@{N}", 0)]
    [InlineData("unix:@{N},tight=off", "{N}", 107)]
    public void Clients_AreServed_AndNoFileIsMade(string options, string name, int length)
    {
        Started(options.Replace("{N}", _name, StringComparison.Ordinal));
        var bound = "\0" + name.Replace("{N}", _name, StringComparison.Ordinal).PadRight(length, '\0');

        using var client = QmpClient.Negotiated(bound);
        client.Ok("query-version");

        Assert.Equal([Folder + "/qmp.sock"], Directory.GetFileSystemEntries(Folder));
        Assert.False(Probe.Listens(length == 0 ? bound + "\0" : bound.TrimEnd('\0')), "a name of another length");
    }

    [Fact]
    public void NameInUse_IsAnError_InOneLine()
    {
        Started("unix:@" + _name);

        var (status, _, errors) = DaemonProcess.RunToEnd(null, "--qmp", $"unix:{_name},abstract=on");

        Assert.Equal((1, $"hostmemd: @{_name} is in use by another process\n"), (status, errors));
    }

    [Fact]
    public async Task ClientLibrary_ConnectsByTheSameName()
    {
        Started("unix:@" + _name);

        await using var client = await HostMemdClient.ConnectAsync("@" + _name);

        Assert.StartsWith("hostmemd ", client.Package, StringComparison.Ordinal);
    }

    [Fact]
    public void Takeover_FindsTheDaemon_AndTakesTheNameWithIt()
    {
        Started("unix:@" + _name);
        using (var client = QmpClient.Negotiated("\0" + _name))
            client.Add("memory-backend-memfd", "m", new() { ["size"] = 4096 });

        var second = StartIn(Folder, "--takeover", "--qmp", $"unix:@{_name}");

        Assert.Equal(0, Daemon.AwaitExit());
        using var later = QmpClient.Negotiated("\0" + _name);
        Assert.Equal(["m"], later.Memdevs());
        Assert.False(second.HasExited);
    }

    // The greeting, or nothing.
    const string Script = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.settimeout(20); s.connect(chr(0) + sys.argv[1]); print(s.recv(99)[:6].decode())";

    string GreetingOf(uint uid, uint gid) => Harness.Program.Check("setpriv", $"--reuid={uid}", $"--regid={gid}", "--clear-groups",
        "/usr/bin/python3", "-c", Script, _name).TrimEnd();

    // The kernel lets every process of the network namespace connect, so the daemon checks the credentials.
    [TheoryIf(Need.OtherUsers)]
    [InlineData("{}", Stranger, 1, false)]
    [InlineData("{}", 0, 0, true)]
    [InlineData("""{ "Access": { "SocketMode": "0666" } }""", Stranger, 1, true)]
    [InlineData("""{ "Access": { "SocketMode": "0660", "SocketGroup": 4321 } }""", Stranger, 4321, true)]
    [InlineData("""{ "Access": { "SocketMode": "0660", "SocketGroup": 4321 } }""", Stranger, 1, false)]
    [InlineData("""{ "Access": { "SocketMode": "0606", "SocketGroup": 4321 } }""", Stranger, 4321, false)]
    [InlineData("""{ "Access": { "SocketMode": "0600", "SocketOwner": 12345 } }""", Stranger, 1, true)]
    public void SocketModeAndOwner_DecideWhoIsServed(string config, uint uid, uint gid, bool served)
    {
        Started("unix:@" + _name, config);

        Assert.Equal(served ? "{\"QMP\"" : "", GreetingOf(uid, gid));
    }

    [Theory]
    [InlineData("unix:x,abstract=maybe", "Parameter 'abstract' expects 'on' or 'off'")]
    [InlineData("unix:x,abstract=on,tight=1", "Parameter 'tight' expects 'on' or 'off'")]
    [InlineData("unix:,abstract=on", "Parameter 'path' is missing")]
    [InlineData("unix:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,abstract=on",
        "is too long: it must be less than 108 bytes")]
    public void WrongOptions_AreNamed(string options, string part)
    {
        var (status, _, errors) = DaemonProcess.RunToEnd(null, "--qmp", options);

        Assert.Equal(1, status);
        Assert.Contains(part, Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }
}
