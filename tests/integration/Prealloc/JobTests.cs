using System.Diagnostics;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Prealloc;

/// <summary>Fillings as jobs: order of status, progress, cancelling, fairness.</summary>
[Collection(nameof(Harness.Machine))]
public sealed class JobTests(ITestOutputHelper output) : DaemonTest(output)
{
    const ulong Large = 3ul << 30;
    const ulong Size = 512ul << 20;

    Talk Talk() => Keep(new Talk(Daemon));

    [Fact]
    public void Prealloc_IsAJob_InQemusOrderOfStatus()
    {
        var client = Talk();
        client.Add("memfd", "m", Size);

        client.Fill("m", "j");
        var job = client.AwaitConcluded("j");
        client.Verb("dismiss", "j");

        Assert.Equal(Size, job.GetProperty("current-progress").GetUInt64());
        Assert.Equal(Size, job.GetProperty("total-progress").GetUInt64());
        Assert.False(job.TryGetProperty("error", out _));
        client.Listen(TimeSpan.FromMilliseconds(100));
        Assert.Equal(["created", "running", "concluded", "null"], client.Statuses("j"));
        Assert.Equal(Size, new ProcMemory(Daemon.Pid).Backend(Size).Resident);
    }

    [Fact]
    public void MemdevJobs_NameTheObject_AndTheRate()
    {
        var client = Talk();
        client.Add("memfd", "m", Size);
        client.Fill("m", "j");
        client.AwaitConcluded("j");

        using var other = Daemon.Connect();
        var job = Assert.Single(other.Ok("query-memdev-jobs").EnumerateArray());
        Assert.Equal("j", job.GetProperty("job-id").GetString());
        Assert.Equal("m", job.GetProperty("id").GetString());
        Assert.InRange(job.GetProperty("threads").GetInt32(), 1, Environment.ProcessorCount);
        Assert.InRange(job.GetProperty("since").GetInt64(), DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 600,
            DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        var rate = job.GetProperty("bytes-per-second").GetUInt64();
        Assert.True(rate > 0, "the memory was filled in no time");
        // A job that is over is not getting slower.
        Assert.Equal(rate, other.Ok("query-memdev-jobs")[0].GetProperty("bytes-per-second").GetUInt64());
        client.Verb("dismiss", "j");
        Assert.Empty(other.Ok("query-memdev-jobs").EnumerateArray());
    }

    [TheoryIf(Need.ThreeGiBFree)]
    [InlineData("ram")]
    [InlineData("memfd")]
    public void Cancel_EndsAFillingSoon_AndGivesItsPagesBack(string type)
    {
        var client = Talk();
        client.Add(type, "m", Large);
        client.Fill("m", "j");
        Eventually.True(() => client.Progress("j") > 0, "progress");

        var watch = Stopwatch.StartNew();
        client.Verb("cancel", "j");
        Eventually.Equal("concluded", () => client.Status("j"), "the cancelled job");

        // The promise is 100 ms. The rest allows for other tests on the machine.
        Assert.True(watch.ElapsedMilliseconds < 1000, $"{watch.ElapsedMilliseconds} ms");
        Output.WriteLine($"cancelled in {watch.Elapsed.TotalMilliseconds:F1} ms");
        var error = client.Job("j")!.Value.GetProperty("error").GetString()!;
        Assert.Matches("Operation canceled: [0-9]+ of 3221225472 bytes filled", error);
        Eventually.Equal(0ul, () => new ProcMemory(Daemon.Pid).Backend(Large).Resident, "pages given back");
        client.Listen(TimeSpan.FromMilliseconds(100));
        Assert.Equal(["created", "running", "aborting", "concluded"], client.Statuses("j"));
    }

    [FactIf(Need.ThreeGiBFree)]
    public void Cancel_OfTheJobOfObjectAdd_FailsTheCommand_AndLeavesNoObject()
    {
        var client = Talk();
        var other = Talk();
        client.Send("object-add", Prealloc.Talk.New("memfd", "m", Large, new() { ["prealloc"] = true }));
        Eventually.Equal("running", () => other.Status("prealloc-m"), "the job of object-add");

        other.Verb("cancel", "prealloc-m");

        Assert.Contains("Operation canceled", Prealloc.Talk.Error(client.Reply()), StringComparison.Ordinal);
        Assert.Null(other.Job("prealloc-m"));
        Assert.Empty(client.Ask("query-memdev").EnumerateArray());
        Assert.Empty(client.Statuses("prealloc-m"));
    }

    [Fact]
    public void Cancel_OfAJobThatWaitsForItsTurn_LeavesTheFirstAlone()
    {
        var client = Talk();
        client.Add("memfd", "m", Size);
        client.FillHalfway("m", "first");
        client.Fill("m", "second");

        client.Verb("cancel", "second");
        client.Verb("resume", "first");

        Assert.False(client.AwaitConcluded("first").TryGetProperty("error", out _));
        Assert.True(client.AwaitConcluded("second").TryGetProperty("error", out _));
        Assert.Equal(Size, new ProcMemory(Daemon.Pid).Backend(Size).Resident);
    }

    [Fact]
    public void Fillings_GoOnSideBySide()
    {
        var client = Talk();
        string[] ids = ["a", "b", "c", "d"];
        foreach (var id in ids)
            client.Add("memfd", id, Size);

        foreach (var id in ids)
            client.Fill(id, id);
        var seen = new HashSet<string>();
        Eventually.True(() =>
        {
            foreach (var id in ids.Where(id => client.Progress(id) is > 0 and < Size))
                seen.Add(id);
            return ids.All(id => client.Status(id) == "concluded");
        }, "all filled");

        Assert.Equal(ids, seen.Order());
        Assert.All(ids, id => Assert.Equal(Size, client.Stats(id).GetProperty("resident").GetUInt64()));
    }

    [Fact]
    public void ASmallFilling_IsDoneBeforeThreeLargeOnes()
    {
        var client = Talk();
        string[] large = ["a", "b", "c"];
        foreach (var id in large)
            client.Add("memfd", id, 3 * Size);
        client.Add("memfd", "small", 16 << 20);
        foreach (var id in large)
            client.Fill(id, id);
        Eventually.True(() => large.All(id => client.Progress(id) > 0), "all at work");

        client.Ask("qom-set", new() { ["path"] = "small", ["property"] = "prealloc", ["value"] = true });

        Assert.All(large, id => Assert.Equal("running", client.Status(id)));
    }

    [Fact]
    public void Fillings_ShareOneBoundOfThreads()
    {
        var client = Talk();
        for (var i = 0; i < 6; i++)
        {
            client.Add("memfd", $"m{i}", Size / 2);
            client.Fill($"m{i}", $"j{i}");
        }

        Eventually.True(() => client.Progress("j5") > 0, "progress of the last");
        Assert.InRange(new ProcMemory(Daemon.Pid).ThreadNames.Count(n => n == "hostmemd-fill"), 1, Environment.ProcessorCount);
        for (var i = 0; i < 6; i++)
            client.AwaitConcluded($"j{i}");
    }

    [FactIf(Need.ThreeGiBFree)]
    public void Progress_ComesAtMostFourTimesASecond_AlsoToOneWhoWatchesLate()
    {
        var client = Talk();
        var late = Talk();
        client.Add("memfd", "m", Large, new() { ["prealloc-threads"] = 1 });
        client.FillHalfway("m", "j");
        late.Ask("memdev-watch", new() { ["enable"] = true });
        for (var i = 0; i < 20; i++)
        {
            client.Verb("resume", "j");
            client.Verb("pause", "j");
        }
        client.Verb("resume", "j");

        late.Listen(TimeSpan.FromMilliseconds(1100));
        client.AwaitConcluded("j");

        var progress = late.Events.Where(e => e.GetProperty("event").GetString() == "MEMDEV_PREALLOC_PROGRESS").ToArray();
        Assert.InRange(progress.Length, 1, 6);
        var data = progress[^1].GetProperty("data");
        Assert.Equal("m", data.GetProperty("id").GetString());
        Assert.Equal("j", data.GetProperty("job-id").GetString());
        Assert.Equal(Large, data.GetProperty("total-progress").GetUInt64());
        Assert.DoesNotContain(client.Events, e => e.GetProperty("event").GetString() == "MEMDEV_PREALLOC_PROGRESS");
    }

    [Fact]
    public void Prealloc_KeepsWhatIsThere_AndFillsTheHolesAroundIt()
    {
        var client = Talk();
        client.Add("memfd", "m", Size);
        using (var memory = new ProcMemory(Daemon.Pid).Single("memfd:memory-backend-memfd").Open())
        {
            for (var at = 0L; at < (long)Size; at += 37 << 20)
                RandomAccess.Write(memory, "kept"u8, at + 5000);
            client.Ask("qom-set", new() { ["path"] = "m", ["property"] = "prealloc", ["value"] = true });

            var text = new byte[4];
            for (var at = 0L; at < (long)Size; at += 37 << 20)
            {
                RandomAccess.Read(memory, text, at + 5000);
                Assert.Equal("kept"u8.ToArray(), text);
            }
        }
        Assert.Equal(Size, new ProcMemory(Daemon.Pid).Backend(Size).Resident);
    }

    [Fact]
    public void ObjectsNamedAtStart_AreFilledTogether_BeforeTheDaemonIsReady()
    {
        var daemon = Start([.. Enumerable.Range(0, 4).SelectMany(i =>
            (string[])["--object", $"memory-backend-memfd,id=m{i},size={Size + ((ulong)i << 20)},prealloc=on"])]);

        // The greeting comes when the daemon is ready.
        using var client = daemon.Connect();
        var memory = new ProcMemory(daemon.Pid);
        Assert.All(Enumerable.Range(0, 4), i => Assert.Equal(Size + ((ulong)i << 20), memory.Backend(Size + ((ulong)i << 20)).Resident));
    }

    [Fact]
    public void ThreadsArgument_IsALimit_AndTheJobIdMustBeFree()
    {
        var client = Talk();
        client.Add("memfd", "m", Size);
        client.FillHalfway("m", "j");

        Assert.Contains("j", client.Refused("memdev-prealloc", new() { ["id"] = "m", ["job-id"] = "j" }), StringComparison.Ordinal);
        Assert.NotEmpty(client.Refused("memdev-prealloc", new() { ["id"] = "m", ["job-id"] = "0" }));
        Assert.NotEmpty(client.Refused("memdev-prealloc", new() { ["id"] = "none", ["job-id"] = "k" }));
        client.Verb("resume", "j");
        client.AwaitConcluded("j");
    }
}
