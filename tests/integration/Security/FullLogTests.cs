using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Security;

/// <summary>The disk of the log and the audit file is full. Clients notice nothing, and logging goes on when there is room.</summary>
public sealed class FullLogTests(ITestOutputHelper output) : SecurityTest(output)
{
    [FactIf(Need.TmpfsMount)]
    public void FullDisk_StopsNobody_AndTheLogGoesOnWhenThereIsRoom()
    {
        var mount = DaemonProcess.NewFolder();
        Harness.Program.Check("mount", "-t", "tmpfs", "-o", "size=256k", "hostmemd-test", mount);
        try
        {
            var daemon = StartWith($$"""
                { "Serilog": { "File": { "Path": "{{mount}}/log" }, "Audit": { "Path": "{{mount}}/audit" } } }
                """);
            using var client = daemon.Connect();
            Cycle(client, "before");
            Eventually.True(() => Says(mount, "before"), "the first lines");
            var filler = Path.Combine(mount, "filler");
            Fill(filler);

            for (var i = 0; i < 300; i++)
                Cycle(client, "during");

            Assert.False(daemon.HasExited);
            File.Delete(filler);
            Eventually.True(() =>
            {
                Cycle(client, "after");
                return Says(mount, "after");
            }, "lines when there is room again");
        }
        finally
        {
            Harness.Program.Check("umount", "-l", mount);
            Directory.Delete(mount);
        }
    }

    [Fact]
    public void StandardErrorThatIsFull_StopsNobody()
    {
        var daemon = Start(info =>
        {
            var program = info.FileName;
            info.FileName = "sh";
            string[] words = ["-c", "exec \"$@\" 2>/dev/full", "sh", program];
            for (var i = 0; i < words.Length; i++)
                info.ArgumentList.Insert(i, words[i]);
        });
        using var client = daemon.Connect();

        for (var i = 0; i < 300; i++)
            Cycle(client, "m");

        Assert.Equal("", daemon.Log);
        Assert.False(daemon.HasExited);
    }

    static void Cycle(QmpClient client, string id)
    {
        client.Add("memory-backend-ram", id, new() { ["size"] = 4096 });
        client.Delete(id);
    }

    static bool Says(string mount, string id) => Says(mount, "log", $" {id}") && Says(mount, "audit", $"\"{id}\"");

    static bool Says(string mount, string file, string text)
    {
        var path = Path.Combine(mount, file);
        return File.Exists(path) && File.ReadAllText(path).Contains(text, StringComparison.Ordinal);
    }

    static void Fill(string path)
    {
        using var file = File.Create(path, 1);
        try
        {
            while (true)
                file.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // Full.
        }
    }
}
