using System.Globalization;
using System.Text;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Start;

/// <summary>From start to end: pid file, daemon mode, signals, quit.</summary>
public sealed class LifeTests(ITestOutputHelper output) : DaemonTest(output)
{
    const int SIGHUP = 1;
    const int SIGINT = 2;
    const int SIGABRT = 6;
    const int SIGTERM = 15;

    [Theory]
    [InlineData(SIGTERM)]
    [InlineData(SIGINT)]
    public void Signal_EndsTheDaemonWithStatus0_AndRemovesItsFiles(int signal)
    {
        var pidFile = Path.Combine(Folder, "pid");
        var daemon = StartIn(Folder, "--qmp", $"unix:{Folder}/qmp.sock", "--pidfile", pidFile);
        Assert.Equal(daemon.Pid, int.Parse(File.ReadAllText(pidFile), CultureInfo.InvariantCulture));

        daemon.Signal(signal);

        Assert.Equal(0, daemon.AwaitExit());
        Assert.Empty(Directory.GetFileSystemEntries(Folder));
    }

    /// <summary>What systemd's watchdog sends.</summary>
    [Fact]
    public void SIGABRT_EndsTheDaemonAtOnce()
    {
        var daemon = StartIn(Folder, "--qmp", $"unix:{Folder}/qmp.sock");

        daemon.Signal(SIGABRT);

        Assert.Equal(128 + SIGABRT, daemon.AwaitExit());
    }

    [Fact]
    public void Signal_WhileCommandsAreUnderWay_AnswersWhatWasReceived()
    {
        const int Count = 500;
        var clients = Enumerable.Range(0, 4).Select(_ => Connect()).ToArray();
        var text = new StringBuilder();
        for (var i = 0; i < Count; i++)
            text.Append(QmpClient.Text("query-memdev", null, i)).Append('\n');
        foreach (var client in clients)
        {
            client.Send(QmpClient.AddText("memory-backend-ram", "m" + Array.IndexOf(clients, client),
                new() { ["size"] = 128 << 20, ["prealloc"] = true }, -1) + "\n" + text);
        }

        Daemon.Signal(SIGTERM);

        foreach (var client in clients)
        {
            var ids = new List<int>();
            while (ids.Count <= Count)
            {
                var reply = client.Reply();
                if (reply.TryGetProperty("id", out var id))
                    ids.Add(id.GetInt32());
                else
                    Assert.Equal("SHUTDOWN", reply.GetProperty("event").GetString());
            }
            Assert.Equal(Enumerable.Range(-1, Count + 1), ids);
            Assert.True(client.Ends());
        }
        Assert.Equal(0, Daemon.AwaitExit());
    }

    [Fact]
    public void Signal_StopsAccepting()
    {
        using var client = Daemon.Connect();

        Daemon.Signal(SIGTERM);

        Assert.Equal(0, Daemon.AwaitExit());
        Assert.False(Probe.Listens(Daemon.SocketPath));
    }

    [Fact]
    public void Signal_IsAnnouncedAsAnEvent()
    {
        using var client = Daemon.Connect();

        Daemon.Signal(SIGTERM);

        var message = client.Reply();
        Assert.Equal("SHUTDOWN", message.GetProperty("event").GetString());
        Assert.False(message.GetProperty("data").GetProperty("guest").GetBoolean());
        Assert.Equal("host-signal", message.GetProperty("data").GetProperty("reason").GetString());
    }

    // QEMU: the event first, then the reply, then the end; what was sent behind it is not answered.
    [Fact]
    public void Quit_IsAnnouncedToAll_ThenAnswered_ThenTheEnd()
    {
        using var client = Daemon.Connect();
        using var other = Daemon.Connect();
        using var silent = Daemon.ConnectSilently();
        silent.Line();

        client.Send("{\"execute\":\"quit\",\"id\":\"bye\"}{\"execute\":\"query-version\",\"id\":\"late\"}");

        Assert.Matches("""^{"timestamp": {"seconds": \d+, "microseconds": \d+}, "event": "SHUTDOWN", "data": {"guest": false, "reason": "host-qmp-quit"}}$""",
            client.Line());
        Assert.Equal("{\"return\": {}, \"id\": \"bye\"}", client.Line());
        Assert.True(client.Ends());
        Assert.Equal("", client.Rest);
        Assert.Equal("SHUTDOWN", other.Reply().GetProperty("event").GetString());
        Assert.True(other.Ends());
        // A client that has not negotiated receives no events.
        Assert.True(silent.Ends());
        Assert.Equal("", silent.Rest);
        Assert.Equal(0, Daemon.AwaitExit());
        Assert.False(File.Exists(Daemon.SocketPath));
    }

    [Fact]
    public void Sighup_ReloadsAndGoesOn()
    {
        using var client = Daemon.Connect();

        Daemon.Signal(SIGHUP);

        Eventually.True(() => Daemon.Log.Contains("reload", StringComparison.OrdinalIgnoreCase), "the reload in the log");
        client.Ok("query-version");
    }

    [Fact]
    public void Daemonize_ReturnsWhenTheSocketListensAndThePidFileIsThere()
    {
        var (socket, pidFile) = (Path.Combine(Folder, "qmp.sock"), Path.Combine(Folder, "pid"));

        // As Proxmox starts qemu-storage-daemon.
        var (status, output, errors) = DaemonProcess.RunToEnd(null, "--daemonize", "--chardev", $"socket,id=qmp,path={socket},server=on,wait=off",
            "--monitor", "chardev=qmp,mode=control", "--pidfile", pidFile, "--object", "memory-backend-ram,id=m,size=1M");

        Assert.Equal((0, "", ""), (status, output, errors));
        var pid = int.Parse(File.ReadAllText(pidFile), CultureInfo.InvariantCulture);
        using (var client = QmpClient.Negotiated(socket))
        {
            Assert.Equal(["m"], client.Memdevs());
            // A session of its own, away from the terminal's.
            Assert.Equal(pid, SessionOf(pid));
            client.Command("quit");
            Assert.True(client.Ends());
        }
        Eventually.True(() => !Directory.Exists($"/proc/{pid}") || State(pid) == 'Z', "the daemon to end");
        Assert.Empty(Directory.GetFileSystemEntries(Folder));
    }

    [Fact]
    public void Daemonize_ThatFails_SaysSo()
    {
        var (status, _, errors) = DaemonProcess.RunToEnd(null, "--daemonize", "--qmp", $"unix:{Folder}/qmp.sock",
            "--object", "memory-backend-ram,id=m,size=0");

        Assert.Equal(1, status);
        Assert.Contains("property 'size' of memory-backend-ram doesn't take value '0'",
            Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Folder));
    }

    // As a service manager does: the listening socket is descriptor 3, and the environment names the process that it is for.
    const string Activate = """
        import os, socket, sys
        s = socket.socket(socket.AF_UNIX)
        s.bind(sys.argv[2])
        s.listen()
        os.dup2(s.fileno(), 3)
        os.set_inheritable(3, True)
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
        os.execv(sys.argv[1], [sys.argv[1]] + sys.argv[3:])
        """;

    [FactIf(Need.Python3)]
    public void SocketPassedBySystemd_IsUsed_AndNotRemoved()
    {
        var socket = Path.Combine(Folder, "qmp.sock");
        using var daemon = DaemonProcess.StartIn(Folder, info =>
        {
            info.FileName = "python3";
            foreach (var argument in (string[])["-c", Activate, Repository.Daemon, socket])
                info.ArgumentList.Add(argument);
        });

        using (var client = daemon.Connect())
            client.Ok("query-version");

        daemon.Signal(SIGTERM);
        Assert.Equal(0, daemon.AwaitExit());
        Assert.True(File.Exists(socket));
    }

    // hostmemd.socket and the configuration both name it: there is one socket, with the configuration's settings.
    [TheoryIf(Need.Python3)]
    [InlineData("{D}/qmp.sock")]
    [InlineData("{D}/link/qmp.sock")]
    public void SocketPassedBySystemd_MayBeNamedInTheConfigurationToo(string named)
    {
        var socket = Path.Combine(Folder, "qmp.sock");
        Directory.CreateSymbolicLink(Path.Combine(Folder, "link"), Folder);
        var config = Path.Combine(Folder, "config.json");
        named = named.Replace("{D}", Folder, StringComparison.Ordinal);
        File.WriteAllText(config, $$"""{ "Sockets": [ { "Path": "{{named}}", "Pretty": true }, "{{Folder}}/other.sock" ] }""");
        using var daemon = DaemonProcess.StartIn(Folder, info =>
        {
            info.FileName = "python3";
            foreach (var argument in (string[])["-c", Activate, Repository.Daemon, socket, "--config", config])
                info.ArgumentList.Add(argument);
        });

        using (var pretty = daemon.ConnectSilently())
            Assert.Equal("{", pretty.Line());
        daemon.AwaitListening(Path.Combine(Folder, "other.sock"));
        daemon.Signal(SIGTERM);

        Assert.Equal(0, daemon.AwaitExit());
        Assert.True(File.Exists(socket));
        Assert.False(File.Exists(Path.Combine(Folder, "other.sock")));
    }

    static int SessionOf(int pid) => int.Parse(Stat(pid)[3], CultureInfo.InvariantCulture);

    static char State(int pid)
    {
        try
        {
            return Stat(pid)[0][0];
        }
        catch (IOException)
        {
            return 'Z';
        }
    }

    // Behind the name in parentheses: state, parent, group, session.
    static string[] Stat(int pid)
    {
        var text = File.ReadAllText($"/proc/{pid}/stat");
        return text[(text.LastIndexOf(')') + 2)..].Split(' ');
    }
}
