using System.Text.Json;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Ctl;

/// <summary>Making and changing objects, the raw protocol, and what a run ends with.</summary>
public sealed class VerbTests(ITestOutputHelper output) : CtlTest(output)
{
    [Fact]
    public void Add_TakesSizes_Properties_AndOptions()
    {
        Assert.Equal("vm1 made: 64M, filled\n", Good("add", "vm1", "memfd", "64M", "--fill=2", "dump=off",
            "x-use-canonical-path-for-ramblock-id=on"));
        Assert.Equal(64ul << 20, Resident("vm1"));
        Assert.Equal("2\n", Good("get", "vm1", "prealloc-threads"));
        Assert.Equal("dump=off\nshare=on\nsize=67108864\n", Good("get", "vm1", "dump", "share", "size"));
        var file = Path.Combine(Folder, "memory");
        Assert.Equal("vm2 made: 1M\n", Good("add", "vm2", "file", "1M", "--path", file, "share=on"));
        Assert.Equal(1 << 20, new FileInfo(file).Length);
        Assert.Equal("", Good("add", "vm3", "shm", "size=4096", "-q"));
        Assert.Equal("cpus made\n", Good("add", "cpus", "thread-context", "cpu-affinity=0"));
        Assert.Equal("0\n", Good("get", "cpus", "cpu-affinity"));
    }

    [Theory]
    [InlineData("add vm1 memdf 1G", 2, "unknown kind 'memdf'; did you mean 'memfd'?")]
    [InlineData("add vm1 memfd 1Q", 2, "'1Q' is no size: 4096, 512M and 4G are")]
    [InlineData("add vm1 memfd 1G hugtlb=on", 2, "unknown property of memfd 'hugtlb'; did you mean 'hugetlb'?")]
    [InlineData("add vm1 memfd 1G share=maybe", 2, "property 'share' is on or off, not 'maybe'")]
    [InlineData("add vm1 memfd 1G 2G", 2, "'2G': the size is there already")]
    [InlineData("add vm1 memfd", 1, "Parameter 'size' is missing")]
    [InlineData("add 1st memfd 1G", 1, "Parameter 'id' expects an identifier")]
    [InlineData("set m dmp=on", 2, "unknown property of m 'dmp'; did you mean 'dump'?")]
    [InlineData("set m size=8192", 1, "cannot change property size of memory-backend-memfd ")]
    [InlineData("get n", 1, "n: no such object; did you mean 'm'?")]
    [InlineData("rm nosuch", 1, "nosuch: no such object")]
    [InlineData("qmp query-memdevs", 1, "The command query-memdevs has not been found; did you mean 'query-memdev'?")]
    [InlineData("qmp qom-get path=m property=color", 1, "Property 'memory-backend-memfd.color' not found")]
    [InlineData("schema nosuch", 2, "unknown command 'nosuch'; 'hostmemctl schema' lists them")]
    [InlineData("list -o xml", 2, "unknown form 'xml'; table, wide, json and id are")]
    [InlineData("fill -t many m", 2, "option '--threads' takes a number from 1 to 65535, not 'many'")]
    public void Refusal_IsOneLine(string line, int status, string text)
    {
        Memfd("m", 4096);
        var outcome = Ctl(line.Split(' '));
        Assert.Equal((status, "", $"hostmemctl: {text}\n"), (outcome.Status, outcome.Out, outcome.Error));
    }

    [Fact]
    public void Set_ChangesNothing_IfOneIsATypingError()
    {
        Memfd("m", 4096);
        Assert.Equal(2, Ctl("set", "m", "dump=off", "nosuch=1").Status);
        Assert.Equal("on\n", Good("get", "m", "dump"));
        Assert.Equal("", Good("set", "m", "dump=off", "merge=off"));
        Assert.Equal("""{"dump": false}""" + "\n", Good("get", "m", "dump", "-o", "json"));
        var all = Good("get", "m");
        Assert.Contains("\nsize=4096\n", all, StringComparison.Ordinal);
        Assert.DoesNotContain("\ntype=", all, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_OfAKind_ListsItsProperties()
    {
        Assert.Contains("\nhugetlb ", Good("add", "x", "memfd", "help"), StringComparison.Ordinal);
        Assert.Contains("\nthread-context ", Good("add", "x", "help"), StringComparison.Ordinal);
    }

    [Fact]
    public void Daemon_ThatIsAway_Is3()
    {
        var folder = Folder;
        Assert.Equal((3, $"hostmemctl: no daemon at {folder}/x: No such file or directory\n"), Failed("-s", $"{folder}/x", "list"));
        File.WriteAllText($"{folder}/file", "");
        Assert.Equal((3, $"hostmemctl: no daemon at {folder}/file: nothing listens there\n"), Failed("-s", $"{folder}/file", "list"));
        Assert.Equal((2, $"hostmemctl: the path of a socket has at most 107 bytes: '/{new string('x', 200)}'\n"),
            Failed("-s", "/" + new string('x', 200), "list"));

        (int, string) Failed(params string[] arguments) => Ctl(arguments) is var o ? (o.Status, o.Error) : default;
    }

    [FactIf(Need.OtherUsers)]
    public void User_WhoMayNotConnect_HearsWhoMay()
    {
        var folder = Folder;
        File.SetUnixFileMode(folder,
            (UnixFileMode)0x1C9);
        var daemon = StartIn(folder, "--qmp", $"unix:{folder}/qmp.sock");
        var program = Path.Combine(folder, "hostmemctl");
        File.Copy(Repository.Ctl, program);
        File.SetUnixFileMode(program, (UnixFileMode)0x1ED);
        foreach (var library in Directory.GetFiles(Path.GetDirectoryName(Repository.Ctl)!, "*.dll")
            .Concat(Directory.GetFiles(Path.GetDirectoryName(Repository.Ctl)!, "*.json")))
            File.Copy(library, Path.Combine(folder, Path.GetFileName(library)));
        File.SetUnixFileMode(daemon.SocketPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var outcome = Program.Run("", "setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", program, "-s", daemon.SocketPath,
            "list");
        Assert.Equal((3, $"hostmemctl: no access to {daemon.SocketPath}: Permission denied; root may connect\n"),
            (outcome.Status, outcome.Errors));
        File.SetUnixFileMode(daemon.SocketPath, (UnixFileMode)0x1B6);
        var observer = Program.Run("", "setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", program, "-s", daemon.SocketPath,
            "add", "x", "memfd", "4096");
        Assert.Equal((1, "hostmemctl: The command object-add needs the role admin\n"), (observer.Status, observer.Errors));
    }

    [Fact]
    public void Qmp_IsRaw()
    {
        Memfd("m", 4096);
        Assert.Equal("4096\n", Good("qmp", "qom-get", "path=m", "property=size"));
        Assert.Equal("{}\n", Good("qmp", "qom-set", """{"path": "m", "property": "dump", "value": false}"""));
        var outcome = CtlWith(null, """
            {"execute": "qmp_capabilities"}

            {"execute": "qom-get", "arguments": {"path": "m", "property": "dump"}, "id": 7}
            {"execute": "nosuch"}
            {"exec-oob": "query-jobs"}
            """, "qmp", "-");
        Assert.Equal(1, outcome.Status);
        var replies = outcome.Lines.Select(l => JsonDocument.Parse(l).RootElement).ToArray();
        Assert.Equal(4, replies.Length);
        Assert.Equal(JsonValueKind.Object, replies[0].GetProperty("return").ValueKind);
        Assert.Equal((false, 7), (replies[1].GetProperty("return").GetBoolean(), replies[1].GetProperty("id").GetInt32()));
        Assert.Equal("CommandNotFound", replies[2].GetProperty("error").GetProperty("class").GetString());
        Assert.Equal(0, replies[3].GetProperty("return").GetArrayLength());
        Assert.Equal("hostmemctl: line 1: a request is an object with 'execute'\n", CtlWith(null, "7", "qmp", "-").Error);
    }

    [Fact]
    public void Schema_SaysWhatACommandTakes()
    {
        var text = Good("schema", "memdev-map");
        Assert.Contains("\n  id: string\n", text, StringComparison.Ordinal);
        Assert.Contains("\n  [readonly]: boolean\n", text, StringComparison.Ordinal);
        Assert.Contains("\nreturns object\n", text, StringComparison.Ordinal);
        Assert.Contains("with qom-type=memory-backend-memfd:\n", Good("schema", "object-add"), StringComparison.Ordinal);
        Assert.Contains("memdev-map", Good("schema", "-q"), StringComparison.Ordinal);
    }

    [Fact]
    public void Json_IsWhatTheProtocolReturns()
    {
        Memfd("m", 4096);
        using var client = Daemon.Connect();
        Same("query-memdev-stats", "stats");
        Same("query-version", "version");
        Same("query-qmp-schema", "schema");
        Assert.Equal("[]", Good("jobs", "-o", "json").Trim());
        Assert.Equal("[]", Good("who", "-o", "json", "m").Trim());
        Assert.Equal(client.Ok("query-memdev-limits").GetArrayLength(), JsonDocument.Parse(Good("limits", "-o", "json"))
            .RootElement.GetArrayLength());

        void Same(string command, string verb) =>
            Assert.True(JsonElement.DeepEquals(client.Ok(command), JsonDocument.Parse(Good(verb, "-o", "json")).RootElement), verb);
    }

    [Fact]
    public void Limits_AndStats_AreLists()
    {
        Memfd("m", 4096);
        Assert.Contains(Good("limits").Split('\n'), l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            is ["BytesTotal", "4K", "-", "-"]);
        Assert.Equal(["m", "4K", "0B", "0B", "0B", "no", "on", "default", "0", "-"], Good("stats", "--no-legend")
            .Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [Fact]
    public void Watch_PrintsEvents_AndEndsWithItsReader()
    {
        using var watch = StartCtl(null, "watch", "--only", "MEMDEV_ADDED,memdev_deleted");
        // It says nothing until it listens, and nobody can see from outside that it does.
        Eventually.True(() =>
        {
            Good("add", "m", "memfd", "4096");
            Good("rm", "m");
            return watch.StandardOutput.Peek() >= 0;
        }, "an event");
        var line = watch.StandardOutput.ReadLine()!;
        Assert.Matches(@"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} MEMDEV_(ADDED|DELETED) .*id=m", line);
        watch.StandardOutput.Close();
        Good("add", "m", "memfd", "4096");
        Assert.True(watch.WaitForExit(30_000), "watch goes on without a reader");
        Assert.Equal(141, watch.ExitCode);
    }

    [Fact]
    public void Version_IsBoths()
    {
        var lines = Good("version").Split('\n');
        Assert.Equal(Good("--version").Trim(), lines[0]);
        Assert.Matches(@"^hostmemd \d+\.\d+\.\d+ at /\S+, QEMU \d+\.\d+\.\d+$", lines[1]);
        Assert.Equal("you are an admin", lines[2]);
    }

    [Fact]
    public void NoVerb_IsShortHelp_AndHelpIsWhole()
    {
        var outcome = Ctl();
        Assert.Equal((2, ""), (outcome.Status, outcome.Out));
        Assert.StartsWith("Usage: hostmemctl ", outcome.Error, StringComparison.Ordinal);
        Assert.StartsWith("Usage: hostmemctl ", Good("--help"), StringComparison.Ordinal);
        Assert.StartsWith("Usage: hostmemctl fill ", Good("fill", "--help"), StringComparison.Ordinal);
    }

    [Fact]
    public void Quit_EndsTheDaemon_OnlyIfToldTwice()
    {
        Memfd("m", 1 << 30);
        var refused = Ctl("quit");
        Assert.Equal(1, refused.Status);
        Assert.StartsWith($"hostmemctl: End the daemon at {Daemon.SocketPath} and release 1 object of 1G? Nothing was done",
            refused.Error, StringComparison.Ordinal);
        Good("quit", "-y");
        Assert.Equal(0, Daemon.AwaitExit());
    }

    [FactIf(Need.Mandoc)]
    public void ManualPages_ArePages()
    {
        foreach (var page in Directory.GetFiles(Path.Combine(Repository.Root, "docs", "man")))
        {
            var (status, said, errors) = Program.Run("", "mandoc", "-T", "lint", "-W", "warning", page);
            Assert.True(status == 0, said + errors);
        }
    }
}
