using System.Diagnostics;
using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Scarce;

/// <summary>
/// Calls of the runtime that fail, at the start, at rest and under load: the daemon serves all the same, or the start is one line. What
/// cannot be survived is in docs/threat-model.md, "The kernel, when it has nothing left".
/// </summary>
public sealed class RuntimeFaultTests(ITestOutputHelper output) : DaemonTest(output)
{
    // The number of calls that the loader and the runtime make before the daemon's code runs.
    public static TheoryData<string, string, int, int> Starts => new()
    {
        { "clone3", "EAGAIN", 1, 1 },
        { "eventfd2", "EMFILE", 0, 1 },
        { "pipe2", "EMFILE", 0, 1 },
        { "epoll_create1", "EMFILE", 0, 1 },
        { "mmap", "ENOMEM", 19, 7 },
        { "mprotect", "ENOMEM", 19, 11 },
    };

    [TheoryIf(Need.Published, Need.Strace)]
    [MemberData(nameof(Starts))]
    public void Start_ServesOrIsOneLine(string call, string errno, int before, int step)
    {
        var trace = Path.Combine(Folder, "trace");
        var calls = 0;
        var (served, _) = Start(trace, $"trace={call}");
        Assert.True(served);
        calls = File.ReadLines(trace).Count();
        Assert.True(calls > before, $"{calls} calls of {call}");
        for (var nth = before + 1; nth <= calls; nth += step)
        {
            (served, var said) = Start(trace, $"trace={call}", $"inject={call}:error={errno}:when={nth}");
            // Between finding out that there is a thread for it and starting it, which no other can do.
            if (served || said.StartsWith("Process terminated. Failed to create the thread pool Gate thread.", StringComparison.Ordinal))
                continue;
            Assert.True(said.StartsWith("hostmemd: ", StringComparison.Ordinal) && said.IndexOf('\n') == said.Length - 1, $"{call} #{nth}: {said}");
            Output.WriteLine($"{call} #{nth}: {said}");
        }
    }

    [TheoryIf(Need.Published, Need.Strace)]
    [InlineData("clone,clone3", "EAGAIN", "1+", false)]
    [InlineData("clone,clone3", "EAGAIN", "1+", true)]
    [InlineData("clone,clone3", "EAGAIN", "2+3", true)]
    [InlineData("mmap", "ENOMEM", "1+", false)]
    [InlineData("mmap", "ENOMEM", "2+3", true)]
    [InlineData("eventfd2", "EMFILE", "1+", true)]
    [InlineData("pipe2", "EMFILE", "1+", true)]
    [InlineData("epoll_create1", "EMFILE", "1+", true)]
    public void Running_GoesOn_AndIsWholeAfterwards(string call, string errno, string when, bool load)
    {
        using var client = Daemon.Connect();
        if (load)
            client.Add("memory-backend-memfd", "load", new() { ["size"] = 1ul << 30 });
        using (new Strace(Daemon.Pid, $"trace={call}", $"inject={call}:error={errno}:when={when}"))
        {
            if (load)
                client.Ok("memdev-prealloc", new() { ["id"] = "load", ["job-id"] = "load" });
            for (var i = 0; i < 3; i++)
                Try(client, i);
            using var other = Daemon.Connect();
            other.Ok("query-status");
        }
        client.Add("memory-backend-memfd", "after", new() { ["size"] = 128 << 20, ["prealloc"] = true });
        client.Add("thread-context", "context", []);
        client.Ok("query-memdev-stats", new() { ["id"] = "after" });
        client.Ok("memdev-map", new() { ["id"] = "after" });
        Daemon.Signal(15);
        Assert.Equal(0, Daemon.AwaitExit());
        Assert.DoesNotContain(" ERR ", Daemon.Log, StringComparison.Ordinal);
    }

    // Each succeeds, or is refused with a reason.
    static void Try(QmpClient client, int round)
    {
        (string, JsonObject?)[] requests =
        [
            ("object-add", new() { ["qom-type"] = "memory-backend-memfd", ["id"] = $"s{round}", ["size"] = 1 << 20 }),
            ("object-add", new() { ["qom-type"] = "memory-backend-ram", ["id"] = $"r{round}", ["size"] = 128 << 20 }),
            ("memdev-prealloc", new() { ["id"] = $"r{round}", ["job-id"] = $"j{round}" }),
            ("qom-set", new() { ["path"] = $"s{round}", ["property"] = "dump", ["value"] = false }),
            ("object-add", new() { ["qom-type"] = "thread-context", ["id"] = $"t{round}" }),
            ("memdev-map", new() { ["id"] = $"s{round}" }),
            ("query-memdev-stats", null),
            ("query-memdev", null),
        ];
        foreach (var (command, arguments) in requests)
        {
            var reply = client.Execute(command, arguments);
            Assert.False(reply.TryGetProperty("error", out var error) && error.GetProperty("desc").GetString() == "internal error", command);
        }
    }

    // Under strace from its first instruction. The text is its stderr.
    (bool Served, string Said) Start(string trace, params string[] expressions)
    {
        var socket = Path.Combine(Folder, "qmp.sock");
        var info = new ProcessStartInfo("strace", ["-f", "-qq", "-o", trace, .. expressions.SelectMany(e => (string[])["-e", e]),
            Repository.Daemon, "--qmp", $"unix:{socket}"])
        { RedirectStandardError = true };
        using var strace = Process.Start(info)!;
        var served = false;
        Eventually.True(() => strace.HasExited || (served = Probe.Listens(socket)), "a daemon that ends or serves");
        // A start that fails after the socket listens closes the connections that wait there, unanswered.
        if (served && (served = Answers(socket)))
        {
            var daemon = File.ReadAllText($"/proc/{strace.Id}/task/{strace.Id}/children").Trim();
            Wire.Signal(int.Parse(daemon, System.Globalization.CultureInfo.InvariantCulture), 15);
        }
        Eventually.True(() => strace.HasExited, "the daemon to end");
        var said = strace.StandardError.ReadToEnd();
        strace.WaitForExit();
        Assert.False(File.Exists(socket), "the socket is left behind");
        return (served, said);
    }

    static bool Answers(string socket)
    {
        using var client = new QmpClient(socket);
        if (client.TryLine(TimeSpan.FromMinutes(1)) is null)
        {
            Assert.True(client.AtEnd, "neither a greeting nor an end");
            return false;
        }
        client.Ok("qmp_capabilities");
        client.Ok("query-status");
        return true;
    }
}
