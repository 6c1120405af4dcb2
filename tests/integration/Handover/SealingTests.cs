using System.Globalization;
using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Microsoft.Win32.SafeHandles;
using Xunit.Abstractions;
using static HostMemd.Integration.Harness.Need;

namespace HostMemd.Integration.Handover;

/// <summary>A consumer can do nothing to a lent descriptor that stops the daemon, or the next daemon, from using the memory.</summary>
[Collection(nameof(Machine))]
public sealed class SealingTests(ITestOutputHelper output) : DaemonTest(output)
{
    const int MiB = 1 << 20;
    const int EPERM = 1;

    // fcntl(2): F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE, F_SEAL_FUTURE_WRITE, F_SEAL_EXEC.
    static readonly int[] s_seals = [0x1, 0x2, 0x4, 0x8, 0x10, 0x20];

    string SocketPath => Path.Combine(Folder, "qmp.sock");

    // vm.memfd_noexec belongs to a pid namespace: the machine's stays as it is.
    DaemonProcess StartWithNoExec(int noExec) => StartIn(Folder,
        info => Harness.PidNamespace.Wrap(info, "sh", "-c", "echo \"$0\" >/proc/sys/vm/memfd_noexec && exec \"$@\"",
            noExec.ToString(CultureInfo.InvariantCulture)),
        "--qmp", $"unix:{SocketPath}");

    static JsonObject Memory(string type, bool hugetlb)
    {
        var memory = new JsonObject { ["size"] = 2 * MiB };
        memory[type == "memory-backend-ram" ? "share" : "seal"] = type == "memory-backend-ram";
        if (hugetlb)
            memory["hugetlb"] = true;
        return memory;
    }

    static SafeFileHandle Lent(QmpClient client, string id)
    {
        client.Ok("memdev-map", new() { ["id"] = id });
        var lent = Assert.Single(client.Received);
        client.Received.Clear();
        return lent;
    }

    [TheoryIf(Need.PidNamespace, MemfdNoExec)]
    [InlineData(1, "memory-backend-ram", false)]
    [InlineData(2, "memory-backend-ram", false)]
    [InlineData(1, "memory-backend-memfd", false)]
    [InlineData(2, "memory-backend-memfd", false)]
    public void MemoryThatIsNotToBeSealed_CannotBe_WhateverTheKernelMakesOfMemfds(int noExec, string type, bool hugetlb) =>
        AssertNotSealable(noExec, type, hugetlb);

    [FactIf(Need.PidNamespace, MemfdNoExec, Need.HugePages)]
    public void HugePagesThatAreNotToBeSealed_CannotBe() => AssertNotSealable(1, "memory-backend-memfd", hugetlb: true);

    void AssertNotSealable(int noExec, string type, bool hugetlb)
    {
        var first = StartWithNoExec(noExec);
        using (var client = first.Connect())
        {
            client.Add(type, "m", Memory(type, hugetlb));
            using var lent = Lent(client, "m");
            Assert.All(s_seals, seal => Assert.Equal(EPERM, Wire.AddSeals(lent, seal)));
            if (type == "memory-backend-memfd")
                Assert.False(client.Get("/objects/m", "seal").GetBoolean());
            if (!hugetlb)
                RandomAccess.Write(lent, [7], MiB);
        }

        using var next = TakeOver(first);
        Assert.Equal(2 * MiB, next.Get("/objects/m", "size").GetInt64());
        using var again = Lent(next, "m");
        if (!hugetlb)
            RandomAccess.Write(again, [8], MiB);
    }

    QmpClient TakeOver(DaemonProcess first)
    {
        var next = StartIn(Folder, "--takeover", "--qmp", $"unix:{SocketPath}");
        Eventually.True(() => next.Log.Contains("listens on", StringComparison.Ordinal), "the next one to serve: " + next.Log);
        Assert.Equal(0, first.AwaitExit());
        return Keep(next.Connect());
    }

    [Theory]
    [InlineData("memory-backend-ram", 0)]
    [InlineData("memory-backend-memfd", 0)]
    [InlineData("memory-backend-memfd", MiB)]
    [InlineData("memory-backend-shm", MiB)]
    [InlineData("memory-backend-file", MiB)]
    public void MemoryThatAConsumerCutOff_IsTakenOverAsItIs(string type, long length)
    {
        var first = StartIn(Folder, "--qmp", $"unix:{SocketPath}");
        using (var client = first.Connect())
        {
            var memory = new JsonObject { ["size"] = 2 * MiB, ["share"] = true };
            if (type == "memory-backend-memfd")
                memory["seal"] = false;
            if (type == "memory-backend-file")
                memory["mem-path"] = Path.Combine(Folder, "file");
            client.Add(type, "m", memory);
            using var lent = Lent(client, "m");
            RandomAccess.Write(lent, [7], 0);
            Assert.Equal(0, Wire.Truncate(lent, length));
        }

        using var next = TakeOver(first);
        Assert.Equal(2 * MiB, next.Get("/objects/m", "size").GetInt64());
        using var again = Lent(next, "m");
        Assert.Equal(length, RandomAccess.GetLength(again));
        if (length > 0)
            Assert.Equal([7], Content(again));
        // The consumer that truncated the file can extend it again.
        Assert.Equal(0, Wire.Truncate(again, 2 * MiB));
        Assert.Equal("concluded", Filled(next));
    }

    static byte[] Content(SafeFileHandle file)
    {
        var one = new byte[1];
        Assert.Equal(1, RandomAccess.Read(file, one, 0));
        return one;
    }

    static string Filled(QmpClient client)
    {
        client.Ok("memdev-prealloc", new() { ["id"] = "m", ["job-id"] = "j" });
        var status = "";
        Eventually.True(() =>
        {
            var job = client.Ok("query-jobs").EnumerateArray().Single();
            Assert.False(job.TryGetProperty("error", out var error), error.ToString());
            status = job.GetProperty("status").GetString()!;
            return status == "concluded";
        }, "the filling");
        return status;
    }
}
