using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Security;

/// <summary>
/// The audit log: a line for every change with the client, the command, its object and the result; on request, in a file of its own.
/// </summary>
public sealed class AuditTests(ITestOutputHelper output) : SecurityTest(output)
{
    static readonly int s_pid = Environment.ProcessId;

    static string[] Lines(DaemonProcess daemon)
    {
        var path = Path.Combine(daemon.Folder, "audit.log");
        return File.Exists(path) ? [.. File.ReadAllLines(path).Select(l => l[24..])] : [];
    }

    static string Change(string what) => $"INF uid 0 pid {s_pid} {what}";

    [FactIf(Need.Root)]
    public void EveryChange_IsALineInTheFile_AndNowhereElse()
    {
        var daemon = StartWith("""{ "Serilog": { "Audit": { "Path": "@/audit.log" }, "MinimumLevel": { "Default": "Error" } } }""");
        using var client = daemon.Connect();

        client.Add("memory-backend-memfd", "m", new() { ["size"] = 4096 });
        client.Set("m", "merge", false);
        client.Refused("object-del", new() { ["id"] = "n\nINF forged" });
        client.Refused("object-del", new() { ["id"] = new string('x', 5000) });
        client.Ok("memdev-map", new() { ["id"] = "m", ["pid"] = s_pid });
        client.Ok("memdev-unmap", new() { ["mapping"] = "map1" });
        client.Received.ForEach(d => d.Dispose());
        client.Refused("memdev-prealloc", new() { ["id"] = "n", ["job-id"] = "j" });
        client.Refused("job-cancel", new() { ["id"] = "nope" });
        client.Refused("x-takeover");
        client.Monitor("info version");
        client.Get("m", "size");
        client.Ok("query-memdev");
        client.Delete("m");

        Eventually.Equal(11, () => Lines(daemon).Length, "lines of the audit log");
        var long200 = "\"" + new string('x', 199) + "...";
        string[] expected =
        [
            Change("object-add \"m\": done"),
            Change("qom-set \"m\" \"merge\": done"),
            Change("object-del \"n\\nINF forged\": object 'n | INF forged' not found"),
            Change($"object-del {long200}: object '{new string('x', 192)}..."),
            Change("memdev-map \"m\": done"),
            Change("memdev-unmap \"map1\": done"),
            Change("memdev-prealloc \"n\": object 'n' not found"),
            Change("job-cancel \"nope\": Job not found"),
            Change("x-takeover -: No file descriptor supplied via SCM_RIGHTS"),
            Change("human-monitor-command \"info version\": done"),
            Change("object-del \"m\": done"),
        ];
        Assert.Equal(expected, Lines(daemon));
        Assert.Equal("", daemon.Log);
    }

    [FactIf(Need.OtherUsers)]
    public void Refusals_AreInBoth()
    {
        var daemon = StartWith("""{ "Access": { "SocketMode": "0666" }, "Serilog": { "Audit": { "Path": "@/audit.log" } } }""");
        using var nobody = OtherUser.Negotiated(daemon, 65534);

        nobody.Refusal("""{"execute":"quit"}""");

        var line = $"WRN refused: uid 65534 (pid {nobody.Pid}) has no right to quit; further refusals of this client are not logged";
        AwaitLog(daemon, line);
        Eventually.Equal(1, () => Lines(daemon).Length, "lines of the audit log");
        Assert.Equal(line, Lines(daemon)[0]);
    }

    [Fact]
    public void WithoutAFile_NothingIsAudited()
    {
        var daemon = StartWith("{}");
        using var client = daemon.Connect();

        client.Add("memory-backend-ram", "m", new() { ["size"] = 4096 });

        AwaitLog(daemon, "object added: memory-backend-ram m");
        Assert.DoesNotContain("object-add", daemon.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void WithTheLevelOfTheArea_ItIsInTheLog()
    {
        var daemon = StartWith("""{ "Serilog": { "MinimumLevel": { "Override": { "HostMemd.Audit": "Information" } } } }""");
        using var client = daemon.Connect();

        client.Add("memory-backend-ram", "m", new() { ["size"] = 4096 });

        AwaitLog(daemon, $"pid {s_pid} object-add \"m\": done");
    }

    [Fact]
    public void FileThatCannotBeWritten_StopsTheStart()
    {
        var folder = Directory.CreateTempSubdirectory("hostmemd-").FullName;
        var config = Path.Combine(folder, "config.json");
        File.WriteAllText(config, """{ "Serilog": { "Audit": { "Path": "/no/such/audit" } } }""");

        var (status, _, errors) = DaemonProcess.RunToEnd(null, "--config", config, "--qmp", $"unix:{folder}/s");

        Assert.Equal(1, status);
        Assert.Equal("hostmemd: cannot write the log file /no/such/audit: No such file or directory\n", errors);
        Directory.Delete(folder, recursive: true);
    }
}
