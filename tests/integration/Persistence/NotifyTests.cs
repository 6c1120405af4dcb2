using System.Globalization;
using System.Net.Sockets;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;
using static HostMemd.Integration.Harness.Need;

namespace HostMemd.Integration.Persistence;

/// <summary>The messages to the service manager (sd_notify(3)).</summary>
public sealed class NotifyTests(ITestOutputHelper output) : PersistenceTest(output)
{
    const int SIGHUP = 1;
    const int SIGTERM = 15;

    [FactIf(Python3)]
    public void Ready_ComesWhenConfiguredObjectsAreComplete_AndClientsAreAnswered()
    {
        Manager.Begin(["--object", "memory-backend-memfd,id=big,size=256M,prealloc=on", "--object", "memory-backend-memfd,id=small,size=1M"]);
        Manager.AwaitReady();

        using var client = Connect();
        Assert.Equal(["big", "small"], client.Memdevs().Order());
        var names = Manager.Messages.SelectMany(m => m.Select(p => p.Key)).ToArray();
        Assert.True(Array.LastIndexOf(names, "FDSTORE") < Array.IndexOf(names, "READY"), string.Join(' ', names));
        Assert.Equal(256ul << 20, new ProcMemory(Manager.Pid).Backend(256 << 20).Resident);
    }

    [FactIf(Python3)]
    public void Ready_DoesNotComeWhileAnObjectIsNotComplete()
    {
        Manager.Begin(["--object", "memory-backend-memfd,id=huge,size=2G,prealloc=on,prealloc-threads=1"]);
        var silent = Keep(new QmpClient(Manager.SocketPath));

        var before = silent.TryLine(TimeSpan.FromMilliseconds(100)) is null && Manager.Said("READY").Length == 0;
        Manager.AwaitReady();

        silent.Line();
        Assert.True(before);
    }

    [FactIf(Python3)]
    public void Status_TellsObjectsAndBytes()
    {
        Manager.Start("--object", "memory-backend-memfd,id=a,size=3M", "--object", "memory-backend-ram,id=b,size=4M");

        Eventually.True(() => Manager.Said("STATUS").LastOrDefault() == "2 memory backends, 7 MiB", "the status");
    }

    [FactIf(Python3)]
    public void Sigterm_IsAnsweredWithStopping_AndTheStoreIsKept()
    {
        Manager.Start("--object", "memory-backend-memfd,id=a,size=1M");
        var stored = Manager.Names;

        Manager.Signal(SIGTERM);

        Assert.Equal(0, Manager.AwaitEnd());
        Assert.Equal(["1"], Manager.Said("STOPPING"));
        Assert.Equal(stored, Manager.Names);
    }

    [FactIf(Python3)]
    public void Sighup_IsAnsweredWithReloading_AndReadyAgain()
    {
        Manager.Start();

        Manager.Signal(SIGHUP);

        Eventually.True(() => Manager.Said("READY").Length == 2, "READY after the reload");
        var reloading = Array.FindIndex(Manager.Messages, m => m.ContainsKey("RELOADING"));
        var now = Environment.TickCount64 * 1000;
        Assert.InRange(long.Parse((string)Manager.Messages[reloading]["MONOTONIC_USEC"]!, CultureInfo.InvariantCulture), now - 60_000_000, now + 1_000_000);
        Assert.True(reloading < Array.FindLastIndex(Manager.Messages, m => m.ContainsKey("READY")));
    }

    [FactIf(Python3)]
    public void Watchdog_IsToldTwiceInItsTime_FromReadyOn()
    {
        Manager.Begin(environment: new() { ["WATCHDOG_USEC"] = "400000" });
        Manager.AwaitReady();

        Eventually.True(() => Manager.Said("WATCHDOG").Length >= 4, "the watchdog's food");
        Assert.True(Array.FindIndex(Manager.Messages, m => m.ContainsKey("READY")) < Array.FindIndex(Manager.Messages, m => m.ContainsKey("WATCHDOG")));
    }

    [FactIf(Python3)]
    public void WatchdogOfAnotherProcess_IsNotFed()
    {
        Manager.Begin(environment: new() { ["WATCHDOG_USEC"] = "100000", ["WATCHDOG_PID"] = "1" });
        Manager.AwaitReady();

        // The first status comes from a timer too.
        Eventually.True(() => Manager.Said("STATUS").Length > 0, "the status");
        Assert.Empty(Manager.Said("WATCHDOG"));
    }

    [FactIf(Python3)]
    public void DescriptorsOfAnotherProcess_AreLeftAlone()
    {
        Manager.Begin(["--qmp", $"unix:{Manager.Folder}/own.sock"], new() { ["LISTEN_PID"] = "1" }, socket: false);
        Manager.AwaitReady();

        Assert.True(Probe.Listens($"{Manager.Folder}/own.sock"));
    }

    [FactIf(Python3)]
    public void Memory_IsStoredBeforeItsReply_AndRemovedBeforeItsReply()
    {
        Manager.Start();
        using var client = Connect();

        client.Add("memory-backend-memfd", "a", SizeOf(MiB));
        var made = Manager.Memory;
        client.Delete("a");

        Assert.Single(made);
        Assert.Empty(Manager.Memory);
        Assert.Equal([Manager.Journal], Manager.Names);
    }

    [FactIf(Python3)]
    public void NamesOfDescriptors_AreShort()
    {
        // execve(2): one variable has at most 128 KiB, and all names are in one; FileDescriptorStoreMax= of the unit is 8192.
        Manager.Start("--object", "memory-backend-memfd,id=a,size=1M");

        Assert.All(Manager.Names, n => Assert.InRange(n.Length, 1, 12));
    }

    [FactIf(Python3)]
    public void OnlyShareableMemory_IsStored()
    {
        Manager.Start("--object", "memory-backend-ram,id=private,size=1M", "--object", "memory-backend-ram,id=shared,size=1M,share=on",
            "--object", $"memory-backend-file,id=file,size=1M,mem-path={Manager.Folder}/f,share=on");

        Assert.Single(Manager.Memory);
    }

    [FactIf(Python3)]
    public void FullStore_IsToldWhenTheObjectIsMade_AndLosesOnlyThat()
    {
        Manager.Capacity = 4;
        Manager.Start();
        using (var client = Connect())
        {
            for (var i = 0; i < 4; i++)
                client.Add("memory-backend-memfd", $"m{i}", SizeOf(MiB));
        }
        AwaitLog("m3 could not be put into the descriptor store");
        Assert.DoesNotContain("m0 could not be put", Manager.Log, StringComparison.Ordinal);

        Manager.Crash();

        using var after = Connect();
        var kept = Ids(after);
        Assert.NotEmpty(kept);
        Assert.All(Enumerable.Range(0, 4), i =>
            Assert.NotEqual(kept.Contains($"m{i}"), Manager.Log.Contains($"m{i} could not be put", StringComparison.Ordinal)));
    }

    [FactIf(Python3)]
    public void ManagerThatStoresNothing_IsToldOnceAndNotAskedAgain()
    {
        Manager.Capacity = 0;
        Manager.Start("--object", "memory-backend-memfd,id=a,size=1M");

        AwaitLog("the descriptor store takes nothing more");
        Assert.DoesNotContain(Manager.Messages, m => m.ContainsKey("FDNAME") && ((string)m["FDNAME"]!).StartsWith("mem-", StringComparison.Ordinal));
    }

    [FactIf(Python3, SystemdSocketActivate)]
    public void SystemdSocketActivate_StartsIt_AndTheFirstClientIsServed()
    {
        var path = Path.Combine(Manager.Folder, "activated.sock");
        using var activator = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("systemd-socket-activate",
            ["--listen", path, "--fdname", "qmp", Repository.Daemon])
        { RedirectStandardError = true })!;
        QmpClient? first = null;
        // The file is there when the socket is bound, a moment before it listens.
        Eventually.True(() => TryConnect(path, out first), "the activator's socket");

        using (var client = first!)
        {
            client.Ok("query-version");
            client.Command("quit");
            Assert.True(client.Ends());
        }

        Assert.True(activator.WaitForExit(30_000));
        // The socket belongs to the manager.
        Assert.True(File.Exists(path));
    }

    static bool TryConnect(string path, out QmpClient? client)
    {
        try
        {
            client = QmpClient.Negotiated(path);
            return true;
        }
        catch (SocketException)
        {
            client = null;
            return false;
        }
    }
}
