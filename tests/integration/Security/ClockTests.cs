using HostMemd.Integration.Harness;
using HostMemd.Integration.Prealloc;
using Xunit.Abstractions;

namespace HostMemd.Integration.Security;

/// <summary>
/// The wall clock is set back by a day, for the daemon only. Its log and events have the new time, and nothing waits for the old.
/// </summary>
public sealed class ClockTests(ITestOutputHelper output) : SecurityTest(output)
{
    [FactIf(Need.Gcc)]
    public void ClockSetBack_OnlyTimestampsNotice()
    {
        var library = Path.Combine(Folder, "clock.so");
        var back = Path.Combine(Folder, "back");
        Harness.Program.Check("gcc", "-shared", "-fPIC", "-o", library, Path.Combine(Repository.Root, "tests/integration/Security/clock.c"));
        var daemon = StartWith("{}", "env", "LD_PRELOAD=" + library, "CLOCK_BACK=" + back);
        using var client = new Talk(daemon);
        using var other = new Talk(daemon);
        client.Ask("memdev-watch", new() { ["enable"] = true });
        client.Add("memfd", "m", 256 << 20);
        client.Add("memfd", "n", 256 << 20);
        client.FillHalfway("m", "j");
        client.FillHalfway("n", "k");
        var before = Latest(client);

        File.WriteAllText(back, "");
        client.Verb("resume", "j");

        Assert.False(client.AwaitConcluded("j").TryGetProperty("error", out _));
        Assert.InRange(Latest(client) - before, -24 * 3600, -23 * 3600);
        // Everything that measures time still works: cancelling a filling, connecting, leaving, events.
        client.Verb("cancel", "k");
        client.AwaitConcluded("k");
        other.Ask("query-memdev-stats");
        daemon.Connect().Dispose();
        client.Ask("job-dismiss", new() { ["id"] = "j" });
        client.Ask("job-dismiss", new() { ["id"] = "k" });
        client.Delete("n");
        client.Ask("memdev-map", new() { ["id"] = "m" });
        Assert.InRange(Since(client), before - 25 * 3600, before - 23 * 3600);
        daemon.Signal(15);
        Assert.Equal(0, daemon.AwaitExit());
    }

    static long Latest(Talk client) => client.Events[^1].GetProperty("timestamp").GetProperty("seconds").GetInt64();

    static long Since(Talk client) => client.Ask("query-memdev-mappings").EnumerateArray()
        .Single(m => m.TryGetProperty("since", out _) && m.GetProperty("kind").ValueEquals("lease"u8)).GetProperty("since").GetInt64();
}
