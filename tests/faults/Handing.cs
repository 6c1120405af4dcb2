using System.Net.Sockets;
using System.Text.Json;
using HostMemd.Linux;
using HostMemd.Systemd;
using HostMemd.Takeover;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Faulty;

/// <summary>Two daemons in this process, of which one takes over from the other.</summary>
static class Handing
{
    /// <summary>One object of each kind that lives on, and a lease.</summary>
    public static readonly string[] Objects = ["t", "memfd", "ram", "shm", "file"];

    /// <summary>A daemon with <see cref="Objects"/> and the lease.</summary>
    public static FaultyDaemon Start(string folder)
    {
        var daemon = new FaultyDaemon(folder);
        daemon.Ok("""{"execute":"object-add","arguments":{"qom-type":"thread-context","id":"t","cpu-affinity":[0]}}""");
        foreach (var (id, more) in ((string, string)[])[("memfd", ""), ("ram", ",\"share\":true"), ("shm", ""),
            ("file", $",\"share\":true,\"mem-path\":\"{folder}/f\"")])
            daemon.Ok($$$"""{"execute":"object-add","arguments":{"qom-type":"memory-backend-{{{id}}}","id":"{{{id}}}","size":{{{Operation.Size}}}{{{more}}}}}""");
        Lend(daemon);
        return daemon;
    }

    /// <summary>The lease, to this very process.</summary>
    public static void Lend(FaultyDaemon daemon) => daemon.Ok("""{"execute":"memdev-map","arguments":{"id":"memfd"}}""");

    public static string[] Leases(FaultyDaemon daemon) =>
        [.. daemon.Ask("""{"execute":"query-memdev-mappings"}""").GetProperty("return").EnumerateArray()
        .Where(m => m.TryGetProperty("mapping", out _)).Select(m => $"{m.GetProperty("mapping")} of {m.GetProperty("id")}")];

    /// <summary>A daemon that has taken everything over, or why there is none and the running one goes on.</summary>
    public static (FaultyDaemon? Next, string Reason) TakeOver(FaultyDaemon running)
    {
        Socket ours;
        SafeFileHandle theirs;
        try
        {
            (ours, theirs) = SocketPair.Create();
        }
        catch (StartException refusal)
        {
            return (null, refusal.Message);
        }
        var asking = Task.Run(() => running.Ask("""{"execute":"x-takeover"}""", theirs));
        using var channel = new TakeoverChannel(ours);
        FaultyDaemon? next = null;
        var reason = "";
        try
        {
            var handed = channel.Receive();
            next = new(running.Folder);
            next.Daemon.RestoreAsync(handed.Kept, fromStore: false).GetAwaiter().GetResult();
            channel.SendServed();
        }
        catch (StartException refusal)
        {
            next?.Dispose();
            next = null;
            reason = refusal.Message;
        }
        channel.Dispose();
        var reply = asking.GetAwaiter().GetResult();
        Assert.True(next is not null == reply.TryGetProperty("return", out _), $"the next: '{reason}', the running one: {reply}");
        next?.Daemon.TakeOwnership();
        return (next, reason + ErrorOf(reply));
    }

    static string ErrorOf(JsonElement reply) =>
        reply.TryGetProperty("error", out var error) ? " / " + error.GetProperty("desc").GetString() : "";

    /// <summary>What a daemon with <see cref="Objects"/> would find in a descriptor store.</summary>
    public static PassedDescriptor[] Store(string folder)
    {
        var (ours, theirs) = SocketPair.Create();
        using var daemon = Start(folder);
        var asking = Task.Run(() => daemon.Ask("""{"execute":"x-takeover"}""", theirs));
        using var channel = new TakeoverChannel(ours);
        var handed = channel.Receive();
        channel.SendServed();
        Assert.True(asking.GetAwaiter().GetResult().TryGetProperty("return", out _));
        return [.. handed.Kept];
    }

    /// <summary>The same open files once more, as systemd passes them at each start.</summary>
    public static PassedDescriptor[] Duplicate(PassedDescriptor[] stored) => [.. stored.Select(s =>
    {
        Assert.True(Files.Duplicate(s.Handle, out var other).Ok);
        return s with { Handle = other! };
    })];
}
