using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using HostMemd.Integration.Handover;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Persistence;

/// <summary><c>--takeover</c>: a daemon takes everything over from a running one, which then ends.</summary>
public sealed class TakeoverTests(ITestOutputHelper output) : DaemonTest(output)
{
    const long MiB = 1 << 20;
    const int SIGTERM = 15;
    const int SIGKILL = 9;

    string SocketPath => Path.Combine(Folder, "qmp.sock");

    string PidPath => Path.Combine(Folder, "pid");

    string Pid => File.ReadAllText(PidPath).Trim();

    DaemonProcess StartFirst(params string[] arguments) => StartIn(Folder, ["--qmp", $"unix:{SocketPath}", "--pidfile", PidPath, .. arguments]);

    /// <summary>Starts a daemon that takes over; returns when it serves.</summary>
    DaemonProcess TakeOver(params string[] arguments)
    {
        var next = StartIn(Folder, ["--takeover", "--qmp", $"unix:{SocketPath}", "--pidfile", PidPath, .. arguments]);
        Eventually.True(() => next.Log.Contains("listens on", StringComparison.Ordinal), "the next one to serve: " + next.Log);
        return next;
    }

    (int Status, string Errors) FailToTakeOver(params string[] arguments)
    {
        var (status, _, errors) = DaemonProcess.RunToEnd(null, ["--takeover", "--qmp", $"unix:{SocketPath}", "--pidfile", PidPath, .. arguments]);
        return (status, errors);
    }

    static void Fill(QmpClient client, string id, int seed)
    {
        using var memory = Borrow(client, id);
        RandomAccess.Write(memory, Content(RandomAccess.GetLength(memory), seed), 0);
    }

    static Microsoft.Win32.SafeHandles.SafeFileHandle Borrow(QmpClient client, string id)
    {
        var mapping = client.Ok("memdev-map", new() { ["id"] = id }).GetProperty("mapping").GetString();
        var handle = client.Received[^1];
        client.Received.RemoveAt(client.Received.Count - 1);
        client.Ok("memdev-unmap", new() { ["mapping"] = mapping });
        return handle;
    }

    static byte[] Content(long size, int seed)
    {
        var content = new byte[size];
        new Random(seed).NextBytes(content);
        return content;
    }

    static byte[] Read(QmpClient client, string id)
    {
        using var memory = Borrow(client, id);
        var content = new byte[RandomAccess.GetLength(memory)];
        RandomAccess.Read(memory, content, 0);
        return content;
    }

    static string[] Ids(QmpClient client) =>
        [.. client.Ok("qom-list", new() { ["path"] = "/objects" }).EnumerateArray().Select(o => o.GetProperty("name").GetString()!).Where(n => n != "type")];

    [Fact]
    public void EverythingIsTakenOver_TwiceInARow()
    {
        using var holder = Process.Start("sleep", "600");
        var first = StartFirst("--object", "memory-backend-memfd,id=b,size=1M", "--object", "memory-backend-shm,id=a,size=2M",
            "--object", "memory-backend-ram,id=c,size=1M,share=on,merge=off");
        string lease;
        using (var client = first.Connect())
        {
            Fill(client, "a", 1);
            Fill(client, "b", 2);
            client.Set("/objects/b", "dump", false);
            lease = client.Ok("memdev-map", new() { ["id"] = "b", ["pid"] = holder.Id, ["name"] = "guest" }).GetProperty("mapping").GetString()!;
        }

        var second = TakeOver();
        Assert.Equal(0, first.AwaitExit());
        var third = TakeOver();
        Assert.Equal(0, second.AwaitExit());

        using (var client = third.Connect())
        {
            Assert.Equal(["b", "a", "c"], Ids(client));
            Assert.Equal(Content(2 * MiB, 1), Read(client, "a"));
            Assert.Equal(Content(MiB, 2), Read(client, "b"));
            Assert.False(client.Get("/objects/b", "dump").GetBoolean());
            Assert.False(client.Get("/objects/c", "merge").GetBoolean());
            var left = Assert.Single(client.Ok("query-memdev-mappings").EnumerateArray());
            Assert.Equal((lease, holder.Id), (left.GetProperty("mapping").GetString(), left.GetProperty("pid").GetInt32()));
            holder.Kill();
            holder.WaitForExit();
            Eventually.True(() => client.Execute("object-del", new() { ["id"] = "b" }).TryGetProperty("return", out _), "'b' is free");
        }
        Eventually.Equal(third.Pid.ToString(CultureInfo.InvariantCulture), () => File.Exists(PidPath) ? Pid : "", "the pid file");
        // The last daemon removes the files.
        third.Signal(SIGTERM);
        Assert.Equal(0, third.AwaitExit());
        Assert.Empty(Directory.GetFileSystemEntries(Folder));
    }

    [Fact]
    public void NoConnectIsRefused_WhileClientsHammer()
    {
        StartFirst("--object", "memory-backend-memfd,id=m,size=1M");
        using var stop = new CancellationTokenSource();
        var (connects, refused, unanswered) = (0, 0, 0);
        var threads = Enumerable.Range(0, 6).Select(_ => new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 20_000 };
                try
                {
                    socket.Connect(new UnixDomainSocketEndPoint(SocketPath));
                    Interlocked.Increment(ref connects);
                }
                catch (SocketException)
                {
                    Interlocked.Increment(ref refused);
                    continue;
                }
                try
                {
                    if (socket.Receive(new byte[512]) == 0)
                        Interlocked.Increment(ref unanswered);
                }
                catch (SocketException)
                {
                    Interlocked.Increment(ref unanswered);
                }
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();

        for (var i = 0; i < 3; i++)
        {
            TakeOver();
            var now = Volatile.Read(ref connects);
            Eventually.True(() => Volatile.Read(ref connects) > now + 50, "clients served by the next one");
        }
        stop.Cancel();
        foreach (var thread in threads)
            thread.Join();

        Output.WriteLine($"{connects} connects, {refused} refused, {unanswered} without a greeting");
        Assert.Equal(0, refused);
    }

    [Theory]
    [InlineData("--object", "memory-backend-memfd,id=bad,size=0")]
    [InlineData("--qmp", "unix:/proc/no/such/place")]
    public void TakeoverThatFails_LeavesTheOldOneAsItWas(string option, string value)
    {
        var file = Path.Combine(Folder, "f");
        var first = StartFirst("--object", "memory-backend-memfd,id=m,size=1M",
            "--object", $"memory-backend-file,id=f,size=1M,mem-path={file},share=on,discard-data=on");
        using var client = first.Connect();
        Fill(client, "m", 3);
        Fill(client, "f", 4);

        var (status, errors) = FailToTakeOver(option, value);

        Assert.Equal(1, status);
        Assert.StartsWith("hostmemd: ", errors, StringComparison.Ordinal);
        // A client that stayed connected, and a new one.
        client.Add("memory-backend-memfd", "later", new() { ["size"] = MiB });
        using var another = first.Connect();
        Assert.Equal(["m", "f", "later"], Ids(another));
        Assert.Equal(Content(MiB, 3), Read(another, "m"));
        Assert.Equal(Content(MiB, 4), Read(another, "f"));
        Assert.Equal(first.Pid.ToString(CultureInfo.InvariantCulture), Pid);
        TakeOver();
        Assert.Equal(0, first.AwaitExit());
    }

    [Fact]
    public void TakeoverThatCannotHaveAnObject_LeavesAllWithTheOldOne()
    {
        var file = Path.Combine(Folder, "f");
        var first = StartFirst("--object", "memory-backend-memfd,id=m,size=1M", "--object", $"memory-backend-file,id=f,size=1M,mem-path={file},share=on");
        using var client = first.Connect();
        Fill(client, "f", 4);
        File.Move(file, file + ".moved");
        File.WriteAllBytes(file, new byte[MiB]);

        var (status, errors) = FailToTakeOver();

        Assert.Equal(1, status);
        Assert.Equal("hostmemd: cannot be taken over: memory-backend-file f: backing store of 'f' is another file now\n", errors);
        Assert.Equal(["m", "f"], Ids(client));
        Assert.Equal(Content(MiB, 4), Read(client, "f"));
        File.Move(file + ".moved", file, overwrite: true);
        TakeOver();
        Assert.Equal(0, first.AwaitExit());
    }

    [FactIf(Need.ThreeGiBFree)]
    public void TakeoverThatIsKilledMidway_LeavesTheOldOneAsItWas()
    {
        var first = StartFirst("--object", "memory-backend-memfd,id=m,size=1M");
        using var client = first.Connect();
        Fill(client, "m", 5);
        using var next = Process.Start(new ProcessStartInfo(Repository.Daemon,
            ["--takeover", "--qmp", $"unix:{SocketPath}", "--object", "memory-backend-memfd,id=big,size=2G,prealloc=on,prealloc-threads=1"])
        { RedirectStandardError = true })!;
        // It is filling a configured object, so everything was handed over.
        Eventually.True(() => new ProcMemory(next.Id).TryGuarded(2ul << 30) is not null, "the new one's memory");

        Wire.Signal(next.Id, SIGKILL);
        next.WaitForExit();

        client.Add("memory-backend-memfd", "later", new() { ["size"] = MiB });
        Assert.Equal(["m", "later"], Ids(client));
        Assert.Equal(Content(MiB, 5), Read(client, "m"));
        using var another = first.Connect();
    }

    [Fact]
    public void NothingToTakeOverFrom_IsSaid()
    {
        var (status, errors) = FailToTakeOver();

        Assert.Equal(1, status);
        Assert.Contains($"no daemon to take over from at {SocketPath}", errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Folder));
    }

    [FactIf(Need.Python3)]
    public void UnderAServiceManager_ItIsRefused()
    {
        using var manager = new ServiceManager();
        manager.Start("--object", "memory-backend-memfd,id=m,size=1M");

        var (status, _, errors) = DaemonProcess.RunToEnd(null, "--takeover", "--qmp", $"unix:{manager.SocketPath}");

        Assert.Equal(1, status);
        Assert.Contains("restart the service instead", errors, StringComparison.Ordinal);
        using var client = manager.Connect();
        Assert.Equal(["m"], client.Memdevs());
    }

    [FactIf(Need.Python3)]
    public void UnderAServiceManager_WhatWasTakenOverFromOutside_IsStored()
    {
        var first = StartFirst("--object", "memory-backend-memfd,id=m,size=1M");
        using (var client = first.Connect())
            Fill(client, "m", 6);
        using var manager = new ServiceManager();

        manager.Start("--takeover", "--qmp", $"unix:{SocketPath}");
        Assert.Equal(0, first.AwaitExit());
        manager.Crash();

        using var after = manager.Connect();
        Assert.Equal(Content(MiB, 6), Read(after, "m"));
    }

    [GuestFact]
    public void Guest_RunsOn_ThroughTakeovers()
    {
        var first = StartFirst("--object", $"memory-backend-memfd,id=vm,size={Guest.MemorySize}");
        string path;
        using (var client = first.Connect())
            path = client.Ok("memdev-map", new() { ["id"] = "vm" }).GetProperty("path").GetString()!;
        var guest = Keep(new RunningGuest(Folder, "guest", path));
        guest.AwaitCounting();

        TakeOver();
        guest.AwaitCounting();
        var third = TakeOver();
        guest.AwaitCounting();

        using var after = third.Connect();
        Assert.Equal("Cannot delete host memory backend 'vm' which is mapped", after.Refused("object-del", new() { ["id"] = "vm" }));
    }
}
