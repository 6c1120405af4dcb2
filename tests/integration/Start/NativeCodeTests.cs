using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Start;

/// <summary>The published file is native code: a start and the first commands compile nothing, and need no memory that is writable and executable.</summary>
public sealed class NativeCodeTests(ITestOutputHelper output) : DaemonTest(output)
{
    /// <summary>PR_SET_MDWE(2const): the kernel refuses memory that is or becomes executable after it was writable. A JIT cannot start so.</summary>
    const string Deny = """
        import ctypes, os, sys
        PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0):
            sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
        os.execv(sys.argv[1], sys.argv[1:])
        """;

    [FactIf(Need.Native, Need.MemoryDenyWriteExecute)]
    public void Daemon_StartsAndServes_WhereTheKernelDeniesWritableExecutableMemory()
    {
        using var daemon = DaemonProcess.StartIn(Folder, info =>
        {
            var program = info.FileName;
            info.FileName = "python3";
            string[] words = ["-c", Deny, program];
            for (var i = 0; i < words.Length; i++)
                info.ArgumentList.Insert(i, words[i]);
        }, "--qmp", $"unix:{Folder}/qmp.sock");
        using var client = daemon.Connect();

        Exercise(client);
    }

    [FactIf(Need.Native)]
    public void ExecutableMemory_IsThatOfFilesOnly()
    {
        using var client = Connect();
        Exercise(client);

        var executable = File.ReadLines($"/proc/{Daemon.Pid}/maps").Select(line => line.Split(' ', 6, StringSplitOptions.TrimEntries))
            .Where(fields => fields[1].Contains('x', StringComparison.Ordinal)).ToArray();

        Assert.NotEmpty(executable);
        Assert.All(executable, fields => Assert.True(!fields[1].Contains('w', StringComparison.Ordinal) && fields[5].Length > 0, string.Join(' ', fields)));
    }

    [FactIf(Need.Native, Need.QemuUser)]
    public void Start_OnAProcessorWithoutCmpxchg16b_IsOneLine()
    {
        Assert.Equal((0, ""), On("Nehalem"));
        Assert.Equal((1, "hostmemd: the processor lacks cmpxchg16b, which is needed\n"), On("Nehalem,-cx16"));

        static (int, string) On(string processor)
        {
            var (status, _, errors) = Harness.Program.Run("", "qemu-x86_64", "-cpu", processor, Repository.Daemon, "--version");
            return (status, errors);
        }
    }

    [FactIf(Need.Native)]
    public void Symbols_StandBesideTheExecutable()
    {
        var folder = Path.GetDirectoryName(Repository.Daemon)!;

        Assert.Equal(["hostmemd", "hostmemd.dbg"], Directory.GetFiles(folder).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));
    }

    static void Exercise(QmpClient client)
    {
        foreach (var kind in (string[])["ram", "memfd", "shm"])
        {
            client.Add("memory-backend-" + kind, kind, new() { ["size"] = 2 << 20, ["prealloc"] = true });
            client.Set(kind, "merge", true);
            client.Get(kind, "host-nodes");
        }
        client.Ok("query-memdev");
        client.Ok("query-memdev-stats");
        client.Ok("query-qmp-schema");
        client.Delete("ram");
    }
}
