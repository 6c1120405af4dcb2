using System.Diagnostics;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Scarce;

/// <summary>
/// A start that a limit forbids fails with one line and leaves nothing. For the published file, because a JIT needs more before the
/// daemon's code runs.
/// </summary>
public sealed class StartLimitTests(ITestOutputHelper output) : DaemonTest(output)
{
    // Below, the C library's loader cannot open the C library.
    const int FewestDescriptors = 5;
    const int MostDescriptors = 128;

    // The runtime makes its first thread before the daemon's code runs.
    const int FewestThreads = 2;

    [FactIf(Need.Published)]
    public void TooFewDescriptors_AreOneLine()
    {
        for (var count = FewestDescriptors; count <= MostDescriptors; count++)
            Check($"^hostmemd: RLIMIT_NOFILE is {count}, [0-9]+ are needed\n$", info => Wrap(info, "prlimit", $"--nofile={count}:{count}"));
    }

    [FactIf(Need.Published, Need.OtherUsers)]
    public void TooFewThreads_AreOneLine_UpToTheFirstNumberThatServes()
    {
        const int Most = 64;
        var threads = FewestThreads;
        for (; threads < Most; threads++)
        {
            var user = NprocDaemon.NewUser();
            Harness.Program.Check("chown", $"{user}", Folder);
            if (Ends(info => NprocDaemon.Wrap(info, user, "prlimit", $"--nproc={threads}:{threads}"), out var status, out var errors) is false)
                break;
            Assert.Matches($"^hostmemd: RLIMIT_NPROC is {threads}, [0-9]+ are needed\n$", errors);
            Assert.Equal(1, status);
            Assert.Empty(Directory.GetFileSystemEntries(Folder));
        }
        Output.WriteLine($"serves with {threads} threads");
        Assert.InRange(threads, FewestThreads + 1, Most - 1);
    }

    void Check(string expected, Action<ProcessStartInfo> prepare)
    {
        Assert.True(Ends(prepare, out var status, out var errors), "it serves");
        Assert.Matches(expected, errors);
        Assert.Equal(1, status);
        Assert.Empty(Directory.GetFileSystemEntries(Folder));
    }

    // Or it serves, and the test ends it.
    bool Ends(Action<ProcessStartInfo> prepare, out int status, out string errors)
    {
        var socket = Path.Combine(Folder, "qmp.sock");
        var info = new ProcessStartInfo(Repository.Daemon, ["--qmp", $"unix:{socket}"]) { RedirectStandardError = true };
        prepare(info);
        using var process = Process.Start(info)!;
        var served = false;
        Eventually.True(() => process.HasExited || (served = Probe.Listens(socket)), "a daemon that ends or serves");
        if (served)
            Wire.Signal(process.Id, 15);
        errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        status = process.ExitCode;
        return !served;
    }

    static void Wrap(ProcessStartInfo info, params string[] words)
    {
        info.ArgumentList.Insert(0, info.FileName);
        info.FileName = words[0];
        for (var i = words.Length - 1; i > 0; i--)
            info.ArgumentList.Insert(0, words[i]);
    }
}
