using System.Globalization;
using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Security;

/// <summary>
/// The real binary, and a tracer that makes one of its system calls fail: a sample of what tests/faults does to the same sources, and
/// the runtime's calls, which tests/faults does not reach.
/// </summary>
public sealed class FailingCallTests(ITestOutputHelper output) : DaemonTest(output)
{
    const int Size = 1 << 20;

    [TheoryIf(Need.Strace)]
    [InlineData("memfd_create", "EMFILE", "failed to create memfd with flags 0x3: Too many open files")]
    [InlineData("ftruncate", "EFBIG", "failed to resize memfd to 1048576: File too large")]
    [InlineData("mbind", "EIO", "cannot bind memory to host NUMA nodes: Input/output error")]
    public void FailingCall_OfObjectAdd_IsTold_AndUndone(string call, string errno, string text)
    {
        using var client = Connect();
        // The first call makes what is made only once.
        client.Add("memory-backend-memfd", "first", Bound());
        client.Delete("first");
        var process = new ProcMemory(Daemon.Pid);
        var (files, memory) = (process.SettledFileCount(), Memory(process));

        using (Inject(call, errno))
            Assert.Equal(text, client.AddRefused("memory-backend-memfd", "m", Bound()));

        Assert.Empty(client.Memdevs());
        process.AwaitFiles(files);
        Assert.Equal(memory, Memory(process));
        client.Add("memory-backend-memfd", "m", Bound());
        client.Delete("m");
    }

    // QEMU 11.1's texts, as seen when memfd_create(2) refuses a name that is too long.
    [TheoryIf(Need.Strace)]
    [InlineData("memfd_create", "EMFILE", "failed to create memfd with flags 0x1: Too many open files")]
    [InlineData("memfd_create", "ENOSYS", "failed to create memfd with flags 0x1: Function not implemented")]
    [InlineData("ftruncate", "EINVAL", "cannot set up guest memory 'm': Cannot allocate memory")]
    public void FailingCall_OfSharedRam_IsToldInQemusWords(string call, string errno, string text)
    {
        using var client = Connect();

        using (Inject(call, errno))
            Assert.Equal(text, client.AddRefused("memory-backend-ram", "m", new() { ["size"] = Size, ["share"] = true }));

        client.Add("memory-backend-ram", "m", new() { ["size"] = Size, ["share"] = true });
    }

    [TheoryIf(Need.Strace)]
    [InlineData("pidfd_open", "ENFILE", "Too many open files in system")]
    [InlineData("epoll_ctl", "ENOSPC", "No space left on device")]
    public void FailingCall_OfMemdevMap_IsTold_AndNobodyHasALease(string call, string errno, string text)
    {
        using var client = Connect();
        client.Add("memory-backend-memfd", "m", new() { ["size"] = Size });
        JsonObject arguments = new() { ["id"] = "m", ["pid"] = Environment.ProcessId };

        using (Inject(call, errno))
            Assert.Matches($"^process [0-9]+ cannot be watched: {text}$", client.Refused("memdev-map", arguments));

        Assert.Empty(client.Ok("query-memdev-mappings").EnumerateArray());
        client.Ok("memdev-map", arguments);
        Assert.Single(client.Received);
    }

    [FactIf(Need.Strace)]
    public void FailingSend_EndsThatClient_AndNobodyElse()
    {
        using var good = Connect();
        using var victim = Connect();

        using (Inject("sendmsg", "ECONNRESET", when: "1+"))
        {
            victim.Command("query-version");
            Assert.True(victim.Ends());
        }

        good.Ok("query-version");
        Daemon.Connect().Dispose();
    }

    [FactIf(Need.Strace)]
    public void SendThatFailsOnce_IsTriedAgain()
    {
        using var client = Connect();

        using (Inject("sendmsg", "ENOBUFS"))
            client.Ok("query-version");
    }

    [TheoryIf(Need.Strace)]
    [InlineData("EMFILE")]
    [InlineData("ECONNABORTED")]
    public void FailingAccept_IsTriedAgain(string errno)
    {
        using var good = Connect();

        using (Inject("accept4", errno))
        {
            using var next = Daemon.Connect();
            next.Ok("query-version");
        }

        good.Ok("query-version");
    }

    [FactIf(Need.Strace)]
    public void ClientThatCannotBeWatched_IsRefused_AndNobodyElse()
    {
        using var good = Connect();
        good.Ok("query-version");

        using (Inject("epoll_ctl", "ENOSPC"))
        {
            using var refused = Daemon.ConnectSilently();
            Assert.True(refused.Ends());
        }

        good.Ok("query-version");
        Daemon.Connect().Dispose();
        Eventually.True(() => Daemon.Log.Contains("epoll_ctl: No space left on device", StringComparison.Ordinal), "the log to say so");
    }

    [TheoryIf(Need.Strace)]
    [InlineData("socket", "EMFILE", "Failed to create socket for {0}: Too many open files")]
    [InlineData("fchmod", "EPERM", "Failed to set the mode of {0}: Operation not permitted")]
    [InlineData("bind", "EACCES", "Failed to bind socket to {0}: Permission denied")]
    [InlineData("listen", "EADDRINUSE", "Failed to listen on {0}: Address already in use")]
    [InlineData("epoll_create1", "EMFILE", "cannot watch processes: Too many open files")]
    public void FailingCall_OfTheStart_IsTold_AndLeavesNothing(string call, string errno, string text)
    {
        var folder = DaemonProcess.NewFolder();
        try
        {
            var path = Path.Combine(folder, "qmp.sock");

            var (status, _, errors) = DaemonProcess.RunToEnd(info =>
            {
                // Otherwise the runtime opens a socket of its own.
                info.Environment["DOTNET_EnableDiagnostics"] = "0";
                var program = info.FileName;
                info.FileName = "strace";
                string[] words = ["-f", "-qq", "-o", "/dev/null", "-e", $"trace={call}", "-e", $"inject={call}:error={errno}:when=1", program];
                for (var i = 0; i < words.Length; i++)
                    info.ArgumentList.Insert(i, words[i]);
            }, "--qmp", $"unix:{path}");

            Assert.Equal((1, $"hostmemd: {string.Format(CultureInfo.InvariantCulture, text, path)}\n"), (status, errors));
            Assert.Empty(Directory.GetFileSystemEntries(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    static JsonObject Bound() => new() { ["size"] = Size, ["policy"] = "bind", ["host-nodes"] = new JsonArray(0) };

    static int Memory(ProcMemory process) => process.Mappings().Count(m => m.Length == Size && m.Path.Contains("memfd", StringComparison.Ordinal)
        && !m.Path.Contains("doublemapper", StringComparison.Ordinal));

    /// <summary>The next such call fails without being made; with when 1+ all of them fail.</summary>
    Strace Inject(string call, string errno, string when = "1") => new(Daemon.Pid, $"trace={call}", $"inject={call}:error={errno}:when={when}");
}
