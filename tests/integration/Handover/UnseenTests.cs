using HostMemd.Client;
using HostMemd.Integration.Harness;
using HostMemd.Qapi;
using Xunit.Abstractions;

namespace HostMemd.Integration.Handover;

/// <summary>A daemon without the right to look at some processes: it says so, and says what it relies on.</summary>
public sealed class UnseenTests(ITestOutputHelper output) : HandoverTest(output)
{
    DaemonProcess StartUnprivileged()
    {
        var folder = DaemonProcess.NewFolder();
        Program.Check("chown", UnprivilegedFactAttribute.User, folder);
        return Keep(DaemonProcess.StartIn(folder, info =>
        {
            foreach (var word in (string[])[info.FileName, "--clear-groups", .. UnprivilegedFactAttribute.As])
                info.ArgumentList.Insert(0, word);
            info.FileName = "setpriv";
        }, "--qmp", $"unix:{Path.Combine(folder, "qmp.sock")}"));
    }

    async Task<(HostMemdClient Client, Consumer Consumer)> HeldByUsAsync(DaemonProcess daemon)
    {
        var client = Keep(await HostMemdClient.ConnectAsync(daemon.SocketPath));
        await client.AddObjectAsync("memory-backend-memfd", "m", SizeOf(MiB));
        string path;
        await using (var loan = await client.BorrowAsync("m"))
            path = loan.Info.Path!;
        var consumer = Keep(new Consumer(daemon));
        consumer.Do($"open {path} {MiB}", "map");
        return (client, consumer);
    }

    [UnprivilegedFact]
    public async Task HolderThatCannotBeSeen_StillCounts_AndIsListedAsUnseen()
    {
        var daemon = StartUnprivileged();
        var (client, consumer) = await HeldByUsAsync(daemon);

        Assert.Equal(Mapped("m"), await RefusedAsync(client.DeleteObjectAsync("m")));
        var user = Assert.Single(await client.QueryMappingsAsync("m"));
        Assert.Equal((MemdevMappingKind.Unseen, 0L), (user.Kind, user.Pid));
        Assert.StartsWith("processes that could not be looked at: ", user.Name, StringComparison.Ordinal);
        Eventually.True(() => daemon.Log.Contains("processes that cannot be inspected: ", StringComparison.Ordinal), "a line in the log");

        consumer.Kill();
        using var raw = daemon.Connect();
        Eventually.True(() => raw.Execute("object-del", new() { ["id"] = "m" }).TryGetProperty("return", out _), "the memory is free");
    }

    [UnprivilegedFact]
    public async Task WhereNeitherAnswerCanBeHad_OnlyOurLeasesCount_AndTheLogSaysSo()
    {
        var daemon = StartUnprivileged();
        // Another user's file, which the daemon may write but not ask about (fcntl(2), F_SETLEASE).
        var path = Path.Combine(daemon.Folder, "foreign");
        await using (var file = File.Create(path))
            file.SetLength(MiB);
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        var client = Keep(await HostMemdClient.ConnectAsync(daemon.SocketPath));
        await client.AddObjectAsync("memory-backend-file", "m", new()
        {
            { "size", Value.From(MiB) }, { "share", Value.From(true) }, { "mem-path", Value.From(path) },
        });
        Keep(new Consumer(daemon)).Do($"open {path} {MiB}", "map");

        await using (await client.BorrowAsync("m"))
            Assert.Equal(Mapped("m"), await RefusedAsync(client.DeleteObjectAsync("m")));
        Assert.Equal(MemdevMappingKind.Unseen, Assert.Single(await client.QueryMappingsAsync("m")).Kind);

        await client.DeleteObjectAsync("m");
        Eventually.True(() => daemon.Log.Contains("the users of memory are not known", StringComparison.Ordinal), "a warning in the log");
    }
}

/// <summary>Skipped where the daemon cannot run as another user.</summary>
sealed class UnprivilegedFactAttribute : FactAttribute
{
    public const string User = "65534";

    // In the order in which they are put in front of each other.
    public static string[] As => ["--regid=" + User, "--reuid=" + User];

    public UnprivilegedFactAttribute() => Skip = Needs.Missing(Need.Root, Need.Python3)
        ?? (Program.Find("setpriv") is null ? "needs setpriv" : null)
        ?? (Program.Run("", "setpriv", ["--reuid=" + User, "--regid=" + User, "--clear-groups", "test", "-x", Repository.Daemon]).Status != 0
            ? "needs a daemon that others may execute" : null);
}
