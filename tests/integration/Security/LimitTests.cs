using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Security;

/// <summary>Every limit of the configuration: one too many is refused with the limit's name and value, and the others go on.</summary>
public sealed class LimitTests(ITestOutputHelper output) : SecurityTest(output)
{
    const ulong MiB = 1 << 20;

    DaemonProcess Limited(string limits) => StartWith($$"""{ "Limits": { {{limits}} } }""");

    static JsonObject Bytes(ulong size) => new() { ["size"] = size };

    static string Reached(string name, ulong value) => $"limit {name} of {value} is reached";

    [Fact]
    public void Clients()
    {
        var daemon = Limited("\"Clients\": 3");
        using var first = daemon.Connect();
        using var second = daemon.Connect();
        // The harness probed the socket, and its connection may not have ended yet.
        Eventually.True(() => Limit(first, "Clients").Used == 2, "the others to be gone");
        using var third = daemon.Connect();

        using var fourth = daemon.ConnectSilently();
        Assert.True(fourth.Ends());
        Assert.Equal("", fourth.Rest);
        AwaitLog(daemon, "limit Clients of 3 is reached");
        Assert.Equal((3ul, (ulong?)3), Limit(first, "Clients"));

        third.Dispose();
        Eventually.True(() => Limit(first, "Clients").Used == 2, "the third to be gone");
        daemon.Connect().Dispose();
    }

    [FactIf(Need.OtherUsers)]
    public void ClientsPerUid_AreCountedByUser()
    {
        var daemon = StartWith("""{ "Limits": { "ClientsPerUid": 2 }, "Access": { "SocketMode": "0666" } }""");
        using var first = OtherUser.Negotiated(daemon, 65534);
        using var second = OtherUser.Negotiated(daemon, 65534);

        using var third = new OtherUser(daemon, 65534);
        Assert.False(third.IsServed);
        AwaitLog(daemon, "limit ClientsPerUid of 2 is reached");
        using var stranger = OtherUser.Negotiated(daemon, 12345);
        using var root = daemon.Connect();
        Assert.Equal((1ul, (ulong?)2), Limit(root, "ClientsPerUid"));
    }

    [Fact]
    public void Silent_TheOldestGoes_AndNobodyElse()
    {
        var daemon = Limited("\"Silent\": 2");
        using var good = daemon.Connect();
        using var oldest = daemon.ConnectSilently();
        Eventually.True(() => Limit(good, "Silent") == (1, 2), "the first silent one");
        using var older = daemon.ConnectSilently();
        Eventually.True(() => Limit(good, "Silent") == (2, 2), "the second silent one");

        using var newest = daemon.ConnectSilently();

        Assert.Contains("QMP", newest.Line(), StringComparison.Ordinal);
        Assert.True(oldest.Ends());
        AwaitLog(daemon, "limit Silent of 2 is reached");
        older.Line();
        older.Ok("qmp_capabilities");
        good.Ok("query-version");
    }

    [Fact]
    public void RequestBytes()
    {
        var daemon = Limited("\"RequestBytes\": 4096");
        using var client = daemon.Connect();

        client.Send("{\"execute\":\"query-name\",\"id\":\"" + new string('x', 4096) + "\"}\n");
        Assert.Contains("4096", client.Reply().GetProperty("error").GetProperty("desc").GetString(), StringComparison.Ordinal);
        client.Send("{\"execute\":\"query-name\",\"id\":\"" + new string('x', 4000) + "\"}\n");
        Assert.True(client.Reply().TryGetProperty("return", out _));
    }

    [Fact]
    public void UnfinishedBytes_OfAll_TheLongestGoes_AndNobodyElse()
    {
        const int Most = 1 << 20;
        var daemon = Limited($"\"UnfinishedBytes\": {Most}");
        using var good = daemon.Connect();
        using var shorter = daemon.Connect();
        using var longest = daemon.Connect();
        using var last = daemon.Connect();
        static string Begin(int bytes) => "{\"execute\":\"query-name\",\"id\":\"" + new string('x', bytes);
        shorter.Send(Begin(Most / 8));
        longest.Send(Begin(Most * 6 / 8));
        Eventually.True(() => Limit(good, "UnfinishedBytes") is ( > Most * 7 / 8, Most), "what the two have sent");
        Assert.InRange(Limit(good, "RequestBytes").Used, (ulong)Most * 6 / 8, (ulong)Most * 7 / 8);

        last.Send(Begin(Most / 4));

        Assert.True(longest.Ends());
        AwaitLog(daemon, $"limit UnfinishedBytes of {Most} is reached");
        foreach (var one in (QmpClient[])[shorter, last])
        {
            one.Send("\"}\n");
            Assert.True(one.Reply().TryGetProperty("return", out _));
        }
        Eventually.True(() => Limit(good, "UnfinishedBytes").Used == 0, "nothing unfinished");
    }

    [Fact]
    public void QueuedRequests_OutOfBandWaitsBehindAFullQueue()
    {
        var daemon = Limited("\"QueuedRequests\": 1");
        using var client = daemon.Connect(outOfBand: true);

        client.Send(QmpClient.AddText("memory-backend-memfd", "m", new() { ["size"] = 256 * MiB, ["prealloc"] = true }, 1)
            + "{\"execute\":\"query-name\",\"id\":2}{\"execute\":\"query-name\",\"id\":3}{\"exec-oob\":\"query-jobs\",\"id\":4}");

        // One query is read ahead of the slow command. With eight the out-of-band command would be first.
        Assert.Equal([1, 2, 4, 3], Enumerable.Range(0, 4).Select(_ => client.Reply().GetProperty("id").GetInt32()));
    }

    [Fact]
    public void OutputBytes_OfAClientThatSubscribesAndNeverReads_EndsIt_AndNobodyElse()
    {
        var daemon = Limited("\"OutputBytes\": 1048576");
        using var deaf = daemon.Connect();
        using var maker = daemon.Connect();
        deaf.Ok("memdev-watch", new() { ["enable"] = true });

        // The id is in every event, so a long id makes large events.
        var id = "m" + new string('x', 20_000);
        for (var i = 0; i < 100; i++)
        {
            maker.Add("memory-backend-ram", id, Bytes(4096));
            maker.Delete(id);
            if (i == 20)
                Assert.InRange(Limit(maker, "OutputBytes").Used, 100_000ul, 1_048_576ul);
        }

        Eventually.True(() => Limit(maker, "Clients").Used == 1, "the deaf client to be gone");
        maker.Add("memory-backend-ram", "m", Bytes(4096));
    }

    [Fact]
    public void Fillings()
    {
        var daemon = Limited("\"Fillings\": 1");
        using var client = daemon.Connect();
        using var filler = daemon.Connect();
        client.Add("memory-backend-memfd", "b", Bytes(MiB));
        filler.Send(QmpClient.AddText("memory-backend-memfd", "a", new() { ["size"] = 2048 * MiB, ["prealloc"] = true }) + "\n");
        Eventually.True(() => Limit(client, "Fillings") == (1, 1), "the filling to begin");
        Eventually.True(() => Limit(client, "FillThreads") is ( > 0, > 0), "a thread to fill");
        Eventually.True(() => client.Execute("job-pause", new() { ["id"] = "prealloc-a" }).TryGetProperty("return", out _), "the filling to run");

        string[] refusals =
        [
            client.Refused("memdev-prealloc", new() { ["id"] = "b", ["job-id"] = "k" }),
            client.SetRefused("b", "prealloc", true),
            client.AddRefused("memory-backend-ram", "c", new() { ["size"] = MiB, ["prealloc"] = true }),
        ];
        client.Ok("job-cancel", new() { ["id"] = "prealloc-a" });

        Assert.All(refusals, r => Assert.Equal(Reached("Fillings", 1), r));
        Assert.True(filler.Reply().TryGetProperty("error", out _));
        Eventually.True(() => Limit(client, "Fillings").Used == 0, "the job to end");
        client.Set("b", "prealloc", true);
        client.Add("memory-backend-ram", "c", new() { ["size"] = MiB, ["prealloc"] = true });
    }

    [Fact]
    public void Objects()
    {
        var daemon = Limited("\"Objects\": 2");
        using var client = daemon.Connect();
        client.Add("memory-backend-ram", "a", Bytes(4096));
        client.Ok("object-add", new() { ["qom-type"] = "thread-context", ["id"] = "t" });

        Assert.Equal(Reached("Objects", 2), client.AddRefused("memory-backend-ram", "b", Bytes(4096)));
        Assert.Equal((2ul, (ulong?)2), Limit(client, "Objects"));

        client.Delete("t");
        client.Add("memory-backend-ram", "b", Bytes(4096));
    }

    [FactIf(Need.OtherUsers)]
    public void BytesPerUid_AreCountedByUser()
    {
        var daemon = StartWith("""{ "Limits": { "BytesPerUid": "2M" }, "Access": { "SocketMode": "0666", "AdminUids": [ 65534 ] } }""");
        using var root = daemon.Connect();
        using var nobody = OtherUser.Negotiated(daemon, 65534);
        root.Add("memory-backend-ram", "a", Bytes(MiB));

        Assert.Equal(Reached("BytesPerUid", 2 * MiB), root.AddRefused("memory-backend-ram", "b", Bytes(MiB + 4096)));
        Assert.Equal("{\"return\": {}}", nobody.Line($$$"""{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"c","size":{{{2 * MiB}}}}}"""));
        Assert.Equal(Reached("BytesPerUid", 2 * MiB), nobody.Refusal("""{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"d","size":4096}}"""));
        Assert.Equal((MiB, (ulong?)(2 * MiB)), Limit(root, "BytesPerUid"));
        Assert.Equal((3 * MiB, (ulong?)null), Limit(root, "BytesTotal"));

        // The observer's quota is free again, although an admin deleted the object.
        root.Delete("c");
        Assert.Equal("{\"return\": {}}", nobody.Line("""{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"d","size":4096}}"""));
    }

    [Fact]
    public void BytesTotal_TwoAtOnce_DoNotPassTogether()
    {
        var daemon = Limited("\"BytesTotal\": \"64M\"");
        using var first = daemon.Connect();
        using var second = daemon.Connect();

        // Both are under way before either is complete: filling takes a while.
        for (var round = 0; round < 20; round++)
        {
            var wanted = new JsonObject { ["size"] = 40 * MiB, ["prealloc"] = true };
            first.Send(QmpClient.AddText("memory-backend-memfd", "a", wanted) + "\n");
            second.Send(QmpClient.AddText("memory-backend-memfd", "b", wanted) + "\n");
            var (one, other) = (first.Reply(), second.Reply());

            Assert.NotEqual(one.TryGetProperty("return", out _), other.TryGetProperty("return", out _));
            var refused = one.TryGetProperty("error", out var error) ? error : other.GetProperty("error");
            Assert.Equal(Reached("BytesTotal", 64 * MiB), refused.GetProperty("desc").GetString());
            first.Delete(first.Memdevs().Single());
        }
        Assert.Equal(0ul, Limit(first, "BytesTotal").Used);
    }

    [Fact]
    public void Quota_IsEvenAfterFailuresOfEveryKind()
    {
        var daemon = Limited("\"BytesTotal\": \"64M\", \"BytesPerUid\": \"64M\", \"Objects\": 4");
        using var client = daemon.Connect();
        client.Ok("object-add", new() { ["qom-type"] = "thread-context", ["id"] = "t" });
        client.Add("memory-backend-ram", "m", Bytes(4096));
        var threads = new ProcMemory(daemon.Pid).ThreadNames.Count(n => n == "TC t");

        JsonObject With(string name, JsonNode value) => new() { ["size"] = 32 * MiB, ["prealloc-context"] = "/objects/t", [name] = value };
        (string Type, string Id, JsonObject More)[] failing =
        [
            ("memory-backend-ram", "m", Bytes(MiB)),
            ("memory-backend-ram", "m", With("merge", true)),
            ("memory-backend-ram", "1", Bytes(MiB)),
            ("memory-backend-ram", "a", Bytes(0)),
            ("memory-backend-ram", "a", Bytes(ulong.MaxValue)),
            ("memory-backend-ram", "a", Bytes(128 * MiB)),
            ("memory-backend-ram", "a", With("prealloc-threads", 0)),
            ("memory-backend-ram", "a", With("policy", "bind")),
            ("memory-backend-ram", "a", With("host-nodes", new JsonArray(1000))),
            ("memory-backend-memfd", "a", new() { ["size"] = 32 * MiB, ["hugetlb"] = true, ["hugetlbsize"] = 6 }),
            ("memory-backend-shm", "a", With("share", false)),
            ("memory-backend-file", "a", With("mem-path", "/no/such/folder/f")),
            ("memory-backend-file", "a", With("mem-path", "/proc/self/maps")),
            ("memory-backend-file", "a", With("mem-path", "/dev/null")),
            ("memory-backend-memfd", "a", new() { ["size"] = 12345, ["prealloc-context"] = "t" }),
        ];
        for (var round = 0; round < 10; round++)
            Assert.All(failing, f => client.AddRefused(f.Type, f.Id, f.More));

        Assert.Equal((2ul, 4096ul, 4096ul), (Limit(client, "Objects").Used, Limit(client, "BytesTotal").Used, Limit(client, "BytesPerUid").Used));
        client.Delete("m");
        client.Delete("t");
        Assert.Equal((0ul, 0ul), (Limit(client, "Objects").Used, Limit(client, "BytesTotal").Used));
        // No object is linked to it any more, or its thread would live on.
        Assert.Equal(1, threads);
        Eventually.Equal(0, () => new ProcMemory(daemon.Pid).ThreadNames.Count(n => n == "TC t"), "threads of the context");
    }

    [FactIf(Need.Root)]
    public void Descriptors_OfClients_EndBeforeTheDaemonHasNone()
    {
        var daemon = StartWith("{}", "prlimit", "--nofile=700:700");
        using var good = daemon.Connect();
        var crowd = Enumerable.Range(0, 900).Select(_ => Keep(daemon.ConnectSilently())).ToArray();

        AwaitLog(daemon, "limit RLIMIT_NOFILE is reached");
        good.Ok("query-memdev-stats");
        // Clients may take three quarters of the descriptors; objects take only a few of the last quarter.
        var made = 0;
        string? refusal = null;
        for (; made < 100 && refusal is null; made++)
        {
            var reply = good.Execute("object-add", new() { ["qom-type"] = "memory-backend-memfd", ["id"] = $"m{made}", ["size"] = 4096 });
            refusal = reply.TryGetProperty("error", out var error) ? error.GetProperty("desc").GetString() : null;
        }
        Assert.Equal(Reached("RLIMIT_NOFILE", 700), refusal);
        foreach (var one in crowd)
            one.Dispose();
        Eventually.True(() => Limit(good, "Clients").Used == 1, "the crowd to leave");
        good.Add("memory-backend-memfd", "m", Bytes(4096));
    }

    [FactIf(Need.Root)]
    public void Descriptors_PassedIn_EndBeforeTheDaemonHasNone()
    {
        var daemon = StartWith("{}", "prlimit", "--nofile=700:700");
        using var good = daemon.Connect();
        using var hoarder = daemon.Connect();
        using var passed = File.OpenHandle("/dev/null");

        var added = 0;
        for (; added < 1000; added++)
        {
            hoarder.Send("{\"execute\":\"add-fd\",\"arguments\":{\"fdset-id\":1}}", passed);
            if (hoarder.Reply().TryGetProperty("error", out var error))
            {
                Assert.Equal("No file descriptor supplied via SCM_RIGHTS", error.GetProperty("desc").GetString());
                break;
            }
        }

        Assert.InRange(added, 100, 600);
        good.Ok("query-memdev-stats");
        good.Add("memory-backend-memfd", "m", Bytes(4096));
        good.Ok("memdev-map", new() { ["id"] = "m" });
        Assert.Single(good.Received);
    }

    [FactIf(Need.Root)]
    public void Descriptors_OfObjects_EndBeforeTheDaemonHasNone()
    {
        var daemon = StartWith("{}", "prlimit", "--nofile=700:700");
        using var client = daemon.Connect();

        var made = 0;
        string? refusal = null;
        for (; made < 1000 && refusal is null; made++)
        {
            var reply = client.Execute("object-add", new() { ["qom-type"] = "memory-backend-memfd", ["id"] = $"m{made}", ["size"] = 4096 });
            refusal = reply.TryGetProperty("error", out var error) ? error.GetProperty("desc").GetString() : null;
        }

        Assert.Equal(Reached("RLIMIT_NOFILE", 700), refusal);
        Assert.InRange(made, 100, 600);
        Assert.Equal(700ul, Limit(client, "RLIMIT_NOFILE").Max);
        daemon.Connect().Dispose();
    }
}

/// <summary>The machine's own limits, lowered.</summary>
[Collection(nameof(Machine))]
public sealed class KernelLimitTests(ITestOutputHelper output) : SecurityTest(output)
{
    const string MaxMapCount = "/proc/sys/vm/max_map_count";

    [FactIf(Need.Root)]
    public void Mappings_OfThreads_EndBeforeTheDaemonHasNone_AndComeBack()
    {
        const ulong Most = 20_000;
        const int Step = 500;
        var before = File.ReadAllText(MaxMapCount);
        try
        {
            File.WriteAllText(MaxMapCount, $"{Most}");
            var daemon = StartWith("{}");
            using var client = daemon.Connect();
            using var other = daemon.Connect();
            var made = 0;
            string? refusal = null;
            while (refusal is null)
            {
                client.Send(string.Concat(Enumerable.Range(made, Step).Select(i =>
                    QmpClient.Text("object-add", new() { ["qom-type"] = "thread-context", ["id"] = $"t{i}" }, i) + "\n")));
                foreach (var reply in Enumerable.Range(0, Step).Select(_ => client.Reply(TimeSpan.FromSeconds(60))).ToArray())
                {
                    if (reply.TryGetProperty("error", out var error))
                        refusal = error.GetProperty("desc").GetString();
                    else
                        made++;
                }
            }

            Assert.Equal($"limit vm.max_map_count of {Most} is reached", refusal);
            Assert.InRange((ulong)new ProcMemory(daemon.Pid).MapCount, Most / 2, Most - 1000);
            other.Ok("query-memdev-stats");
            daemon.Connect().Dispose();
            for (var i = 0; i < 2 * Step; i++)
                client.Delete($"t{i}");
            // A thread ends a moment after its context.
            Eventually.True(() => client.Execute("object-add", new() { ["qom-type"] = "memory-backend-ram", ["id"] = "m", ["size"] = 4096 })
                .TryGetProperty("return", out _), "room for an object");
            client.Ok("object-add", new() { ["qom-type"] = "thread-context", ["id"] = "again" });
            Assert.InRange(Limit(client, "vm.max_map_count").Used, (ulong)new ProcMemory(daemon.Pid).MapCount, Most);
        }
        finally
        {
            File.WriteAllText(MaxMapCount, before);
        }
    }

    [FactIf(Need.Root)]
    public void Mappings_EndBeforeTheDaemonHasNone()
    {
        var before = File.ReadAllText(MaxMapCount);
        try
        {
            File.WriteAllText(MaxMapCount, "7000");
            var daemon = StartWith("{}");
            using var client = daemon.Connect();
            client.Send(string.Concat(Enumerable.Range(0, 3000).Select(i =>
                QmpClient.AddText("memory-backend-ram", $"m{i}", new() { ["size"] = 4096 }, i) + "\n")));
            var refusals = Enumerable.Range(0, 3000).Select(_ => client.Reply()).Where(r => r.TryGetProperty("error", out _)).ToArray();

            Assert.NotEmpty(refusals);
            Assert.All(refusals, r => Assert.Equal("limit vm.max_map_count of 7000 is reached", r.GetProperty("error").GetProperty("desc").GetString()));
            Assert.True(new ProcMemory(daemon.Pid).MapCount < 7000);
            Assert.Equal(7000ul, Limit(client, "vm.max_map_count").Max);
            // More than one, because a mapping that the runtime made meanwhile counts too.
            for (var i = 0; i < 200; i++)
                client.Delete($"m{i}");
            client.Add("memory-backend-ram", "again", new() { ["size"] = 4096 });
            client.Ok("query-memdev-stats", new() { ["id"] = "again" });
        }
        finally
        {
            File.WriteAllText(MaxMapCount, before);
        }
    }
}
