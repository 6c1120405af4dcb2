using System.Globalization;
using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Security;

/// <summary>
/// The limits of address space and of private memory, set before the daemon starts or while it runs. Objects are refused before the
/// runtime lacks memory, everything else goes on, and objects can be made again when others are deleted.
/// </summary>
public sealed class RoomTests(ITestOutputHelper output) : SecurityTest(output)
{
    const ulong MiB = 1 << 20;
    const ulong GiB = 1 << 30;
    const int Askers = 4;
    const int Rounds = 30;

    [TheoryIf(Need.Root)]
    [InlineData("as", "RLIMIT_AS", 4 * GiB)]
    [InlineData("data", "RLIMIT_DATA", GiB)]
    public void Limit_OfTheStart(string option, string name, ulong limit)
    {
        var daemon = StartWith("{}", "prlimit", $"--{option}={limit}");
        using var client = daemon.Connect();

        Exhaust(daemon, client, name, limit);
    }

    [TheoryIf(Need.Root)]
    [InlineData("as", "RLIMIT_AS", "VmSize")]
    [InlineData("data", "RLIMIT_DATA", "VmData")]
    public void Limit_WhileTheDaemonRuns(string option, string name, string used)
    {
        var daemon = StartWith("{}");
        using var client = daemon.Connect();
        client.Ok("query-memdev-stats");
        var limit = Status(daemon, used) + GiB;
        Harness.Program.Check("prlimit", $"--{option}={limit}", "--pid", daemon.Pid.ToString(CultureInfo.InvariantCulture));

        Exhaust(daemon, client, name, limit);
    }

    // CoreCLR itself ends when it has too little, before the daemon's code runs.
    [TheoryIf(Need.Root, Need.Published)]
    [InlineData("as", "RLIMIT_AS", 640 * MiB)]
    [InlineData("data", "RLIMIT_DATA", 64 * MiB)]
    public void LimitWithWhichNothingCouldBeMade_IsToldInOneLine(string option, string name, ulong limit)
    {
        var (status, _, errors) = DaemonProcess.RunToEnd(info =>
        {
            info.ArgumentList.Insert(0, info.FileName);
            info.ArgumentList.Insert(0, $"--{option}={limit}");
            info.FileName = "prlimit";
        }, "--qmp", $"unix:{Path.Combine(Folder, "qmp.sock")}");

        Assert.Equal(1, status);
        Assert.Matches($"^hostmemd: {name} is {limit}, [0-9]+ are needed\n$", errors);
        Assert.Empty(Directory.GetFileSystemEntries(Folder));
    }

    static ulong Status(DaemonProcess daemon, string name) => ulong.Parse(
        File.ReadLines($"/proc/{daemon.Pid}/status").Single(l => l.StartsWith(name + ":", StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture) * 1024;

    static void Exhaust(DaemonProcess daemon, QmpClient client, string name, ulong limit)
    {
        var refusal = $"limit {name} of {limit} is reached";
        var large = FillUp(client, 64 * MiB, refusal);
        FillUp(client, MiB, refusal);
        FillUp(client, 4096, refusal);
        Assert.Equal(refusal, client.Refused("object-add", new() { ["qom-type"] = "thread-context", ["id"] = "t" }));
        Assert.True(large > 2, $"only {large} objects of 64 MiB fit");

        // These need memory of the daemon itself: replies of 100 KiB, requests of 30 KiB, the values made of them, and threads.
        Parallel.For(0, Askers, new() { MaxDegreeOfParallelism = Askers }, asking =>
        {
            using var asker = daemon.Connect();
            for (var i = 0; i < Rounds; i++)
            {
                foreach (var command in (string[])["query-qmp-schema", "query-memdev", "query-memdev-stats", "query-memdev-mappings", "query-memdev-limits"])
                    asker.Ok(command);
                asker.Command("query-status", id: new JsonArray([.. Enumerable.Range(0, 5000).Select(n => (JsonNode)n)]));
                Assert.True(asker.Reply().TryGetProperty("return", out var _));
                Assert.Equal(refusal, asker.AddRefused("memory-backend-ram", $"more{asking}", new() { ["size"] = 4096 }));
            }
        });

        Assert.False(daemon.HasExited);
        // Threads made meanwhile stay, with their arenas of libc, 64 MiB of address space each.
        for (var i = 0; i < large; i++)
            client.Delete($"m{64 * MiB}-{i}");
        client.Add("memory-backend-ram", "again", new() { ["size"] = 4 * MiB, ["prealloc"] = true });
        client.Ok("object-add", new() { ["qom-type"] = "thread-context", ["id"] = "t" });
        daemon.Signal(15);
        Assert.Equal(0, daemon.AwaitExit());
        Assert.DoesNotContain("Unhandled", daemon.Log, StringComparison.Ordinal);
    }

    /// <returns>The number of objects that had room.</returns>
    static int FillUp(QmpClient client, ulong size, string refusal)
    {
        for (var made = 0; ; made++)
        {
            var reply = client.Execute("object-add", new() { ["qom-type"] = "memory-backend-ram", ["id"] = $"m{size}-{made}", ["size"] = size });
            if (!reply.TryGetProperty("error", out var error))
                continue;
            Assert.Equal(refusal, error.GetProperty("desc").GetString());
            return made;
        }
    }
}
