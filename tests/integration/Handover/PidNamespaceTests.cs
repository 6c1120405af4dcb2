using HostMemd.Client;
using HostMemd.Integration.Harness;
using HostMemd.Qapi;
using Xunit.Abstractions;
using static HostMemd.Integration.Harness.Need;

namespace HostMemd.Integration.Handover;

/// <summary>The daemon, or its client, in a pid namespace of its own, as a container has one: what a number means is another process there.</summary>
public sealed class PidNamespaceTests(ITestOutputHelper output) : HandoverTest(output)
{
    static string LentElsewhere(string mapping) =>
        Mapped("m") + $": '{mapping}' is lent to a process of another pid namespace, which has no number here";

    DaemonProcess StartInside() => Start(info => Harness.PidNamespace.Wrap(info));

    [FactIf(Python3, Need.PidNamespace)]
    public async Task EndOfOneClient_EndsItsLeases_AndNoOthers()
    {
        StartInside();
        await AddMemfdAsync("m");
        var (dying, living) = (NewConsumer(), NewConsumer());
        string[] gone = [dying.Ask("borrow m"), dying.Ask("borrow m")];
        var stays = living.Ask("borrow m");
        Assert.All(await Client.QueryMappingsAsync("m"), m => Assert.Equal((MemdevMappingKind.Lease, 0L, ""), (m.Kind, m.Pid, m.Comm)));
        Assert.Equal(LentElsewhere(gone[0]), await RefusedAsync(Client.DeleteObjectAsync("m")));

        dying.Kill();

        Eventually.True(() => Client.QueryMappingsAsync("m").Result.Count == 1, "the end of two leases");
        Assert.Equal(stays, (await Client.QueryMappingsAsync("m"))[0].Mapping);
        Assert.Equal(LentElsewhere(stays), await RefusedAsync(Client.DeleteObjectAsync("m")));
        living.Kill();
        DeleteWhenFree("m");
    }

    [FactIf(Python3, Need.PidNamespace)]
    public async Task OneClient_IsWatchedThroughOneDescriptor_WhereTheKernelTellsThemApart()
    {
        StartInside();
        await AddMemfdAsync("m");
        var consumer = NewConsumer();
        consumer.Do("borrow m");
        using var raw = Daemon.Connect();
        ulong Used() => raw.Ok("query-memdev-limits").EnumerateArray()
            .Single(l => l.GetProperty("name").GetString() == "RLIMIT_NOFILE").GetProperty("used").GetUInt64();
        var before = Used();

        for (var i = 0; i < 100; i++)
            consumer.Do("borrow m");

        // pidfs, Linux 6.9; before that each loan is one to a process of its own.
        Assert.Equal(Environment.OSVersion.Version >= new Version(6, 9) ? before : before + 100, Used());
        consumer.Kill();
        DeleteWhenFree("m");
    }

    [FactIf(Python3, Need.PidNamespace)]
    public async Task ClientWithoutANumber_GetsNoPath_AndCanNameNobody()
    {
        StartInside();
        await AddMemfdAsync("m");
        var consumer = NewConsumer();

        Assert.Equal("none", consumer.Ask("ask_path m"));
        Assert.Equal("failed: process 1 cannot be told: the client is in another pid namespace, where the number means another process",
            consumer.Ask("borrow_for m 1"));

        Assert.Single(await Client.QueryMappingsAsync("m"));
        consumer.Kill();
        DeleteWhenFree("m");
    }

    [FactIf(Python3, Need.PidNamespace)]
    public async Task ClientInANamespaceInside_GetsNoPath_AndIsKnownByItsNumberHere()
    {
        await AddMemfdAsync("m");
        var (inside, beside) = (Keep(new Consumer(Daemon, Harness.PidNamespace.Words)), NewConsumer());

        Assert.Equal("none", inside.Ask("ask_path m"));
        Assert.StartsWith($"/proc/{Daemon.Pid}/fd/", beside.Ask("ask_path m"), StringComparison.Ordinal);

        var users = await Client.QueryMappingsAsync("m");
        Assert.Equal(2, users.Count);
        Assert.All(users, u => Assert.StartsWith("python3", u.Comm, StringComparison.Ordinal));
        inside.Kill();
        beside.Kill();
        DeleteWhenFree("m");
    }

    [FactIf(Python3, Need.PidNamespace)]
    public async Task MemoryMappedThere_StaysWithoutALease_AndTheListSaysWhyNobodyIsNamed()
    {
        StartInside();
        await AddMemfdAsync("m");
        var consumer = NewConsumer();
        var mapping = consumer.Ask("borrow m");
        consumer.Do("map");
        await Client.UnmapAsync(mapping);

        Assert.Equal(Mapped("m"), await RefusedAsync(Client.DeleteObjectAsync("m")));
        var user = Assert.Single(await Client.QueryMappingsAsync("m"));
        Assert.Equal((MemdevMappingKind.Unseen, 0L, "no process that is seen from here: one of another pid namespace, or a descriptor on its way"),
            (user.Kind, user.Pid, user.Name));
        consumer.Kill();
        DeleteWhenFree("m");
    }

    [FactIf(Python3, Need.PidNamespace)]
    public async Task Takeover_TakesTheLeasesAlong_AndWatchesOn()
    {
        var first = StartInside();
        await AddMemfdAsync("m");
        var (dying, living) = (NewConsumer(), NewConsumer());
        var gone = dying.Ask("borrow m");
        var stays = living.Ask("borrow m");

        var second = StartIn(first.Folder, info => Harness.PidNamespace.Wrap(info), "--takeover", "--qmp", $"unix:{first.SocketPath}");
        Eventually.True(() => second.Log.Contains("listens on", StringComparison.Ordinal), "the next one to serve: " + second.Log);
        Assert.Equal(0, first.AwaitExit());

        var client = Keep(await HostMemdClient.ConnectAsync(second.SocketPath));
        Assert.Equal([gone, stays], (await client.QueryMappingsAsync("m")).Select(m => m.Mapping).Order());
        dying.Kill();
        Eventually.True(() => client.QueryMappingsAsync("m").Result.Count == 1, "the end of one lease");
        Assert.Equal(LentElsewhere(stays), await RefusedAsync(client.DeleteObjectAsync("m")));
        living.Kill();
        Eventually.True(() => client.DeleteObjectAsync("m").ContinueWith(t => t.IsCompletedSuccessfully).Result, "'m' is free");
    }

    // A /proc of the outer namespace, as a container that shares the host's: the daemon is in it under another number than its own.
    [FactIf(Need.PidNamespace)]
    public async Task DaemonThatSeesTheOuterProc_IsNotTakenForAnotherHolder()
    {
        Start(info =>
        {
            Harness.PidNamespace.Wrap(info);
            info.ArgumentList.Remove("--mount-proc");
        });
        await Client.AddObjectAsync("memory-backend-file", "m", new()
        {
            { "size", Value.From(MiB) }, { "share", Value.From(true) }, { "mem-path", Value.From(InFolder("file")) },
        });
        Assert.Empty(await Client.QueryMappingsAsync("m"));
        await Client.DeleteObjectAsync("m");
    }
}
