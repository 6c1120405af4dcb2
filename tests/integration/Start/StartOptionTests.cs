using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Start;

/// <summary>The command line as contract § 1 fixes it: what works, and what fails with one line and leaves nothing.</summary>
public sealed class StartOptionTests(ITestOutputHelper output) : DaemonTest(output)
{
    string Socket => Path.Combine(Folder, "qmp.sock");

    [Theory]
    [InlineData("-V")]
    [InlineData("--version")]
    [InlineData("-h")]
    [InlineData("--help")]
    public void VersionAndHelp_GoToStdout_WithStatus0(string option)
    {
        var (status, output, errors) = DaemonProcess.RunToEnd(null, option);

        Assert.Equal((0, ""), (status, errors));
        Assert.Contains("hostmemd", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_NamesEveryOption()
    {
        var (_, output, _) = DaemonProcess.RunToEnd(null, "--help");

        foreach (var option in (string[])["--qmp", "--chardev", "--monitor", "--object", "--global", "--machine", "--smp", "--mem-prealloc",
            "--config", "--pidfile", "--daemonize", "--version", "--help"])
            Assert.Contains(option, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("help", "memory-backend-memfd")]
    [InlineData("memory-backend-memfd,help", "hugetlbsize=<")]
    public void ObjectHelp_GoesToStdout_WithStatus0(string text, string part)
    {
        var (status, output, errors) = DaemonProcess.RunToEnd(null, "--object", text);

        Assert.Equal((0, ""), (status, errors));
        Assert.Contains(part, output, StringComparison.Ordinal);
    }

    // {S} is a good socket, {D} an empty directory. What the line must contain is QEMU's where QEMU has a text.
    [Theory]
    [InlineData("--bogus", "--bogus")]
    [InlineData("--qmp unix:{S} extra", "extra")]
    [InlineData("--qmp unix:{D}/no/such/qmp.sock", "no/such/qmp.sock")]
    [InlineData("--qmp tcp:localhost:4444", "tcp:localhost:4444")]
    [InlineData("--qmp", "--qmp")]
    [InlineData("--qmp unix:{S} --object memory-backend-ram,size=1M", "Parameter 'id' is missing")]
    [InlineData("--qmp unix:{S} --object memory-backend-ram,id=m", "Parameter 'size' is missing")]
    [InlineData("--qmp unix:{S} --object memory-backend-ram,id=m,size=1Q", "Parameter 'size' expects a size value")]
    [InlineData("--qmp unix:{S} --object memory-backend-ram,id=m,size=1M,merge=1", "Parameter 'merge' expects 'on' or 'off'")]
    [InlineData("--qmp unix:{S} --object memory-backend-ram,id=m,size=1M,bogus=1", "Invalid parameter 'bogus'")]
    [InlineData("--qmp unix:{S} --object memory-backend-nope,id=m,size=1M", "memory-backend-nope")]
    [InlineData("--qmp unix:{S} --object {\"qom-type\":\"memory-backend-ram\",\"id\":\"m\",\"size\":\"1M\"}", "Parameter 'size' expects uint64")]
    [InlineData("--qmp unix:{S} --object memory-backend-ram,id=m,size=1M --object memory-backend-ram,id=m,size=1M",
        "attempt to add duplicate property 'm' to object (type 'container')")]
    [InlineData("--qmp unix:{S} --object memory-backend-file,id=m,size=5000,mem-path={D}/mem",
        "backend 'memory-backend-file' memory size must be multiple of 4 KiB")]
    [InlineData("--qmp unix:{S} --smp 0", "--smp")]
    [InlineData("--qmp unix:{S} --smp x", "--smp")]
    [InlineData("--qmp unix:{S} --machine mem-merge=maybe", "mem-merge")]
    [InlineData("--qmp unix:{S} --machine nonsense=on", "nonsense")]
    [InlineData("--qmp unix:{S} --global memory-backend.nope=1", "nope")]
    [InlineData("--qmp unix:{S} --config {D}/none.json", "none.json")]
    [InlineData("--qmp unix:{S} --pidfile {D}/no/such/pid", "no/such/pid")]
    [InlineData("--monitor chardev=nope", "nope")]
    public void StartUpError_IsOneLine_Status1_AndNothingLeftBehind(string arguments, string part)
    {
        var (status, output, errors) = DaemonProcess.RunToEnd(null,
            [.. arguments.Split(' ').Select(a => a.Replace("{S}", Socket, StringComparison.Ordinal).Replace("{D}", Folder, StringComparison.Ordinal))]);

        Assert.Equal(1, status);
        Assert.Equal("", output);
        var line = Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("hostmemd: ", line, StringComparison.Ordinal);
        Assert.Contains(part, line, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Folder));
    }

    [Fact]
    public void AnsweringSocket_IsAnError_AndTheOtherDaemonLivesOn()
    {
        var (status, _, errors) = DaemonProcess.RunToEnd(null, "--qmp", $"unix:{Daemon.SocketPath}");

        Assert.Equal(1, status);
        Assert.StartsWith("hostmemd: ", Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        using var client = Daemon.Connect();
        client.Ok("query-version");
    }

    [Fact]
    public void StaleSocket_IsReplaced()
    {
        var first = DaemonProcess.StartIn(Folder, null, "--qmp", $"unix:{Socket}");
        first.Signal(9);
        first.AwaitExit();
        Assert.True(File.Exists(Socket));

        var second = StartIn(Folder, "--qmp", $"unix:{Socket}");

        using var client = second.Connect();
        client.Ok("query-version");
    }

    [Fact]
    public void FileThatIsNoSocket_IsNotReplaced()
    {
        File.WriteAllText(Socket, "precious");

        var (status, _, errors) = DaemonProcess.RunToEnd(null, "--qmp", $"unix:{Socket}");

        Assert.Equal(1, status);
        Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal("precious", File.ReadAllText(Socket));
    }

    [Fact]
    public void Objects_OfEitherForm_AreMadeInTheOrderGiven()
    {
        var daemon = Start("--object", "thread-context,id=t,cpu-affinity=0",
            "--object", "memory-backend-ram,id=a,size=1.5M,merge=off,prealloc-context=t,share=yes",
            "--object", "{\"qom-type\":\"memory-backend-memfd\",\"id\":\"b\",\"size\":4096,\"policy\":\"bind\",\"host-nodes\":[0]}",
            "--object", "memory-backend-ram,id=c,size=0x1000,policy=bind,host-nodes=0-0,size=4k");
        using var client = daemon.Connect();

        Assert.Equal(["a", "b", "c"], client.Memdevs().Order());
        Assert.Equal(1572864, client.Get("a", "size").GetInt32());
        Assert.False(client.Get("a", "merge").GetBoolean());
        Assert.True(client.Get("a", "share").GetBoolean());
        Assert.Equal("/objects/t", client.Get("a", "prealloc-context").GetString());
        Assert.Equal("bind", client.Get("b", "policy").GetString());
        Assert.Equal("[0]", client.Get("c", "host-nodes").GetRawText());
        Assert.Equal(4096, client.Get("c", "size").GetInt32());
    }

    [Fact]
    public void Global_IsTheDefaultOfATypeAndThoseDerivedFromIt()
    {
        var daemon = Start("--global", "memory-backend.merge=off", "--global", "memory-backend-memfd.seal=off");
        using var client = daemon.Connect();
        client.Add("memory-backend-ram", "a", new() { ["size"] = 4096 });
        client.Add("memory-backend-memfd", "b", new() { ["size"] = 4096, ["merge"] = true });

        Assert.False(client.Get("a", "merge").GetBoolean());
        Assert.True(client.Get("b", "merge").GetBoolean());
        Assert.False(client.Get("b", "seal").GetBoolean());
    }

    [Fact]
    public void Smp_IsTheInitialNumberOfThreads()
    {
        var daemon = Start("--smp", "3");
        using var client = daemon.Connect();
        client.Add("memory-backend-ram", "a", new() { ["size"] = 4096 });

        Assert.Equal(3, client.Get("a", "prealloc-threads").GetInt32());
    }

    [Fact]
    public void ConfigFile_HasTheSameSettings_AndTheCommandLineWins()
    {
        var config = Path.Combine(Folder, "hostmemd.json");
        File.WriteAllText(config, """
            {
              "Sockets": [ { "Path": "@D@/qmp.sock" } ],
              "Objects": [ { "qom-type": "memory-backend-ram", "id": "a", "size": 4096 } ],
              "Globals": [ "memory-backend.dump=off" ],
              "Machine": { "mem-merge": false, "smp": 7 }
            }
            """.Replace("@D@", Folder, StringComparison.Ordinal));

        var daemon = StartIn(Folder, "--config", config, "--machine", "mem-merge=on", "--object", "memory-backend-ram,id=b,size=8k");

        using var client = daemon.Connect();
        Assert.Equal(["a", "b"], client.Memdevs().Order());
        Assert.True(client.Get("a", "merge").GetBoolean());
        Assert.False(client.Get("b", "dump").GetBoolean());
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{ \"Nonsense\": 1 }")]
    [InlineData("{ \"Sockets\": 5 }")]
    public void ConfigFile_ThatIsWrong_StopsTheStartWithOneLine(string text)
    {
        var config = Path.Combine(Folder, "hostmemd.json");
        File.WriteAllText(config, text);

        var (status, _, errors) = DaemonProcess.RunToEnd(null, "--config", config, "--qmp", $"unix:{Socket}");

        Assert.Equal(1, status);
        var line = Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("hostmemd: ", line, StringComparison.Ordinal);
        Assert.Contains(config, line, StringComparison.Ordinal);
        Assert.False(File.Exists(Socket));
    }

    [Fact]
    public void DefaultSocket_IsInTheRuntimeDirectory()
    {
        using var daemon = DaemonProcess.StartIn(Folder, info => info.Environment["RUNTIME_DIRECTORY"] = Folder);

        using var client = daemon.Connect();

        Eventually.True(() => daemon.Log.Contains(Socket, StringComparison.Ordinal), "the line that names the socket");
    }

    [Fact]
    public void Log_SaysWhatWasAddedAndDeleted_AndNothingPerCommand()
    {
        using (var client = Daemon.Connect())
        {
            Eventually.True(() => Daemon.Log.Contains(Daemon.SocketPath, StringComparison.Ordinal), "the line that names the socket");
            var before = Daemon.LogLines.Length;

            client.Add("memory-backend-ram", "mem7", new() { ["size"] = 4096 });
            client.Ok("query-memdev");
            client.Get("mem7", "size");
            client.AddRefused("memory-backend-ram", "mem7", new() { ["size"] = 4096 });
            client.Delete("mem7");

            Eventually.True(() => Daemon.LogLines.Length >= before + 2, "two lines of log");
            var told = Daemon.LogLines[before..];
            Assert.Equal(2, told.Length);
            Assert.All(told, line => Assert.Contains("mem7", line, StringComparison.Ordinal));
        }
    }

    // sd-daemon(3): <4> is a warning, <6> information.
    [Fact]
    public void LogUnderSystemd_HasPriorities_WhenTheJournalIsStderr()
    {
        // JOURNAL_STREAM names the device and inode of stderr: known only once there is one, so a shell sets it.
        var (status, _, errors) = Program.Run("", "sh", "-c",
            "JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) timeout -s TERM 3 \"$0\" --qmp \"unix:$1\"", Repository.Daemon, Socket);

        Assert.Equal(124, status);
        var lines = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Matches("^<[0-7]>", line));
    }

    [Fact]
    public void LogOnATerminalOrPipe_HasNoPriorities()
    {
        Eventually.True(() => Daemon.Log.Contains(Daemon.SocketPath, StringComparison.Ordinal), "the line that names the socket");

        Assert.All(Daemon.LogLines, line => Assert.DoesNotMatch("^<[0-7]>", line));
    }
}
