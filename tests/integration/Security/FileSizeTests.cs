using System.Globalization;
using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Security;

/// <summary>RLIMIT_FSIZE below the requested size: the client receives an error, and SIGXFSZ does not end the daemon.</summary>
public sealed class FileSizeTests(ITestOutputHelper output) : SecurityTest(output)
{
    const ulong MiB = 1 << 20;

    // Set while the daemon runs, because the runtime of an executable with a JIT starts with a large file of its own.
    static void Limit(DaemonProcess daemon, string bytes) =>
        Harness.Program.Check("prlimit", "--pid", daemon.Pid.ToString(CultureInfo.InvariantCulture), $"--fsize={bytes}");

    [Theory]
    [InlineData("memfd", "", "failed to resize memfd to 2097152: File too large")]
    [InlineData("shm", "", "failed to resize POSIX shared memory to 2097152: File too large")]
    [InlineData("ram", "", "cannot set up guest memory 'm': File too large")]
    [InlineData("file", "@/new", "failed to resize backing store @/new to 2097152: File too large")]
    [InlineData("file", "@", "failed to resize backing store @ to 2097152: File too large")]
    public void ObjectBeyondIt_IsRefused_AndLeavesNothing(string type, string path, string text)
    {
        var daemon = Start();
        using var client = daemon.Connect();
        Limit(daemon, "1048576:unlimited");
        path = path.Replace("@", daemon.Folder, StringComparison.Ordinal);
        JsonObject Arguments(ulong size)
        {
            var arguments = new JsonObject { ["qom-type"] = $"memory-backend-{type}", ["id"] = "m", ["size"] = size, ["share"] = true };
            if (path.Length > 0)
                arguments["mem-path"] = path;
            return arguments;
        }

        Assert.Equal(text.Replace("@", daemon.Folder, StringComparison.Ordinal), client.Refused("object-add", Arguments(2 * MiB)));

        Assert.Equal(["qmp.sock"], Directory.GetFileSystemEntries(daemon.Folder).Select(Path.GetFileName));
        client.Ok("object-add", Arguments(MiB));
        client.Delete("m");
        if (path.Length > daemon.Folder.Length)
            File.Delete(path);
        Limit(daemon, "unlimited");
        client.Ok("object-add", Arguments(2 * MiB));
        client.Delete("m");
    }

    [Fact]
    public void LogAndAuditFileThatReachIt_StopNobody_AndGoOnWhenItIsLifted()
    {
        var daemon = StartWith("""{ "Serilog": { "File": { "Path": "@/log" }, "Audit": { "Path": "@/audit" } } }""");
        using var client = daemon.Connect();
        Cycle(client, "before");
        Eventually.True(() => Says(daemon, "before"), "the first lines");
        Limit(daemon, "4096:unlimited");

        for (var i = 0; i < 300; i++)
            Cycle(client, "during");
        Eventually.True(() => Lengths(daemon) == (4096, 4096), "both files to reach the limit");

        Assert.False(daemon.HasExited);
        Limit(daemon, "unlimited");
        Eventually.True(() =>
        {
            Cycle(client, "after");
            return Says(daemon, "after");
        }, "lines when the limit is lifted");
    }

    static (long, long) Lengths(DaemonProcess daemon) =>
        (new FileInfo(Path.Combine(daemon.Folder, "log")).Length, new FileInfo(Path.Combine(daemon.Folder, "audit")).Length);

    [Fact]
    public void StandardErrorThatReachesIt_StopsNobody()
    {
        var folder = DaemonProcess.NewFolder();
        var daemon = StartIn(folder, info =>
        {
            var program = info.FileName;
            info.FileName = "sh";
            string[] words = ["-c", "exec \"$@\" 2>\"$0\"", Path.Combine(folder, "errors"), program];
            for (var i = 0; i < words.Length; i++)
                info.ArgumentList.Insert(i, words[i]);
        }, "--qmp", "unix:" + Path.Combine(folder, "qmp.sock"));
        using var client = daemon.Connect();
        Eventually.True(() => new FileInfo(Path.Combine(folder, "errors")).Length > 0, "a first line");
        Limit(daemon, "4096:unlimited");

        for (var i = 0; i < 300; i++)
            Cycle(client, "m");
        Eventually.True(() => new FileInfo(Path.Combine(folder, "errors")).Length == 4096, "the file to reach the limit");

        client.Ok("query-version");
        Assert.False(daemon.HasExited);
    }

    [FactIf(Need.Published)]
    public void PidFileBeyondIt_IsOneLineAndStatus1_AndNoFileStays()
    {
        var folder = Folder;
        var (status, _, errors) = DaemonProcess.RunToEnd(info =>
        {
            info.ArgumentList.Insert(0, info.FileName);
            info.ArgumentList.Insert(0, "--fsize=1");
            info.FileName = "prlimit";
        }, "--qmp", $"unix:{folder}/qmp.sock", "--pidfile", $"{folder}/pid");

        Assert.Equal((1, "hostmemd: cannot create PID file: Failed to write pid file: File too large\n"), (status, errors));
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [TheoryIf(Need.Published)]
    [InlineData("2", "--no-such-option")]
    [InlineData("1", "--help")]
    public void StandardStreamThatHasReachedIt_IsStatus1_AndNoSignal(string stream, string option)
    {
        var full = Path.Combine(Folder, "full");
        File.WriteAllBytes(full, new byte[4096]);
        var (status, _, errors) = DaemonProcess.RunToEnd(info =>
        {
            var program = info.FileName;
            info.FileName = "sh";
            string[] words = ["-c", $"exec prlimit --fsize=4096 \"$@\" {stream}>>\"$0\"", full, program];
            for (var i = 0; i < words.Length; i++)
                info.ArgumentList.Insert(i, words[i]);
        }, option);

        Assert.Equal((1, stream == "1" ? "hostmemd: cannot write to standard output: File too large\n" : ""), (status, errors));
        Assert.Equal(4096, new FileInfo(full).Length);
    }

    static void Cycle(QmpClient client, string id)
    {
        client.Add("memory-backend-ram", id, new() { ["size"] = 4096 });
        client.Delete(id);
    }

    static bool Says(DaemonProcess daemon, string id) =>
        Says(Path.Combine(daemon.Folder, "log"), $" {id}") && Says(Path.Combine(daemon.Folder, "audit"), $"\"{id}\"");

    static bool Says(string path, string text) => File.Exists(path) && File.ReadAllText(path).Contains(text, StringComparison.Ordinal);
}
