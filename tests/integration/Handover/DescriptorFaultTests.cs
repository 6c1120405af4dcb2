using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;
using static HostMemd.Integration.Harness.Need;

namespace HostMemd.Integration.Handover;

/// <summary>Unwanted descriptors in either direction, and clients that leave at the wrong moment: none leaks.</summary>
public sealed class DescriptorFaultTests(ITestOutputHelper output) : HandoverTest(output)
{
    [FactIf(Python3)]
    public async Task ConsumerKilledBetweenReplyAndUse()
    {
        await CountDescriptorsAsync();
        await AddMemfdAsync("m");
        for (var i = 0; i < 5; i++)
        {
            var consumer = NewConsumer();
            consumer.Do(i % 2 == 0 ? "borrow m" : "ask m");
            consumer.Kill();
        }
        DeleteWhenFree("m");
        AssertNoLeak();
    }

    [Fact]
    public async Task ClientThatNeverReadsTheDescriptor()
    {
        await CountDescriptorsAsync();
        await AddMemfdAsync("m");
        using (var silent = Daemon.Connect())
        {
            silent.Command("memdev-map", new() { ["id"] = "m" });
            Eventually.True(() => Client.QueryMappingsAsync("m").Result.Count == 1, "the loan");
        }
        await Client.UnmapAsync((await Client.QueryMappingsAsync("m"))[0].Mapping!);
        DeleteWhenFree("m");
        AssertNoLeak();
    }

    [Fact]
    public async Task DescriptorSentWithEveryCommand()
    {
        await CountDescriptorsAsync();
        var (read, write) = Wire.Pipe();
        using (read)
        using (write)
        using (var raw = Daemon.Connect(outOfBand: true))
        {
            string[] commands = [.. raw.Ok("query-commands").EnumerateArray().Select(c => c.GetProperty("name").GetString()!)];
            Assert.Contains("memdev-map", commands);
            foreach (var command in commands.Where(c => c != "quit"))
            {
                raw.Command(command, descriptors: read);
                raw.Reply();
                raw.Command(command, new() { ["id"] = "nobody", ["nonsense"] = 1 }, descriptors: read);
                raw.Reply();
                raw.Command(command, outOfBand: true, descriptors: read);
                raw.Reply();
            }
            raw.Command("no-such-command", descriptors: read);
            raw.Reply();
            raw.Send("{]\n", read);
            raw.Reply();
            raw.Send(" \n", read);
            raw.Ok("query-version");
            // add-fd needs no arguments, so it has taken one, and keeps it as long as there are clients.
            foreach (var set in raw.Ok("query-fdsets").EnumerateArray())
                raw.Ok("remove-fd", new() { ["fdset-id"] = set.GetProperty("fdset-id").GetInt64() });
            // The connection, and the descriptors of the latest command that brought any.
            Eventually.AtMost(DescriptorsBefore + 2, () => InDaemon.FileCount, "descriptors while the client is there");
        }
        AssertNoLeak();
    }

    [Theory]
    [InlineData(64)]
    [InlineData(253)]
    public async Task ManyDescriptorsWithOneCommand(int count)
    {
        await CountDescriptorsAsync();
        var (read, write) = Wire.Pipe();
        using (read)
        using (write)
        using (var raw = Daemon.Connect())
        {
            var many = Enumerable.Repeat(read, count).ToArray();
            raw.Command("query-version", descriptors: many);
            raw.Reply();
            raw.Command("getfd", new() { ["fdname"] = "first" }, descriptors: many);
            Assert.True(raw.Reply().TryGetProperty("return", out _));
            raw.Ok("query-version");
            raw.Ok("closefd", new() { ["fdname"] = "first" });
            raw.Command("memdev-map", new JsonObject { ["id"] = "nobody" }, descriptors: many);
            Assert.True(raw.Reply().TryGetProperty("error", out _));
        }
        AssertNoLeak();
    }

    [Fact]
    public async Task ClientThatLeavesInTheMiddleOfACommandWithDescriptors()
    {
        await CountDescriptorsAsync();
        var (read, write) = Wire.Pipe();
        using (read)
        using (write)
        {
            for (var i = 0; i < 20; i++)
            {
                using var raw = Daemon.Connect();
                raw.Send("{\"execute\":\"get", read, read, read);
            }
        }
        AssertNoLeak();
    }

    [Fact]
    public async Task RefusedLoans_LeaveNothing()
    {
        await Client.AddObjectAsync("memory-backend-ram", "own", SizeOf(MiB));
        await AddMemfdAsync("m");
        await CountDescriptorsAsync();
        using (var raw = Daemon.Connect())
        {
            for (var i = 0; i < 50; i++)
            {
                raw.Refused("memdev-map", new() { ["id"] = "own" });
                raw.Refused("memdev-map", new() { ["id"] = "nobody" });
                raw.Refused("memdev-map", new() { ["id"] = "m", ["pid"] = int.MaxValue });
                raw.Refused("memdev-map", new() { ["id"] = "m", ["readonly"] = "yes" });
                raw.Refused("memdev-unmap", new() { ["mapping"] = "nothing" });
            }
            Assert.Empty(raw.Received);
        }
        AssertNoLeak();
    }
}
