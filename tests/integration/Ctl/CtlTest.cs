using System.Diagnostics;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Ctl;

/// <summary>A test that drives the real hostmemctl against a daemon of its own.</summary>
public abstract class CtlTest(ITestOutputHelper output) : DaemonTest(output)
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    /// <summary>What a run ended with.</summary>
    protected sealed record Outcome(int Status, string Out, string Error)
    {
        public string[] Lines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Runs it with its output in pipes.</summary>
    protected Outcome Ctl(params string[] arguments) => CtlWith(null, "", arguments);

    /// <summary>Runs it, and expects that all goes well.</summary>
    protected string Good(params string[] arguments)
    {
        var outcome = Ctl(arguments);
        Assert.True(outcome is { Status: 0, Error: "" },
            $"hostmemctl {string.Join(' ', arguments)}: {outcome.Status}\n{outcome.Out}{outcome.Error}");
        return outcome.Out;
    }

    protected Outcome CtlWith(Action<ProcessStartInfo>? prepare, string input, params string[] arguments)
    {
        using var process = StartCtl(prepare, arguments);
        var outText = process.StandardOutput.ReadToEndAsync();
        var errorText = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        if (!process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"hostmemctl {string.Join(' ', arguments)} did not end");
        }
        var outcome = new Outcome(process.ExitCode, outText.GetAwaiter().GetResult(), errorText.GetAwaiter().GetResult());
        Output.WriteLine($"hostmemctl {string.Join(' ', arguments)}: {outcome.Status}\n{outcome.Out}{outcome.Error}");
        return outcome;
    }

    protected Process StartCtl(Action<ProcessStartInfo>? prepare, params string[] arguments)
    {
        var info = new ProcessStartInfo(Repository.Ctl, arguments)
        { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        info.Environment["HOSTMEMD_SOCKET"] = Daemon.SocketPath;
        // This machine may be busy.
        info.Environment["HOSTMEMCTL_PATIENCE"] = "60000";
        info.Environment["LC_ALL"] = "C.UTF-8";
        info.Environment["TERM"] = "xterm-256color";
        info.Environment["DOTNET_EnableDiagnostics"] = "0";
        info.Environment.Remove("NO_COLOR");
        prepare?.Invoke(info);
        return Process.Start(info)!;
    }

    /// <summary>A terminal in which a shell runs, with hostmemctl in its path and the daemon's socket in its environment.</summary>
    private protected Tmux Terminal(int width = 100, int height = 30, string shell = "bash --noprofile --norc",
        string? environment = null) =>
        Keep(new Tmux(width, height, $"env HOSTMEMD_SOCKET={Daemon.SocketPath} LC_ALL=C.UTF-8 HOSTMEMCTL_PATIENCE=60000 PS1='$ ' "
            + $"PATH={Path.GetDirectoryName(Repository.Ctl)}:$PATH {environment} {shell}"));

    protected void Memfd(string id, long size) =>
        Connect().Ok("object-add", new() { ["qom-type"] = "memory-backend-memfd", ["id"] = id, ["size"] = size });

    /// <summary>The bytes that the kernel says are there.</summary>
    protected ulong Resident(string id) => Connect().Ok("query-memdev-stats", new() { ["id"] = id })[0].GetProperty("resident").GetUInt64();

    /// <summary>Starts a process by hostmemctl run that maps the memory, writes "here" and waits.</summary>
    internal Process Hold(string id, params string[] options) => StartCtl(null, ["run", id, .. options, "--", "python3", "-c", """
        import mmap, os, sys
        mode = os.O_RDONLY if len(sys.argv) > 3 else os.O_RDWR
        prot = mmap.PROT_READ if mode == os.O_RDONLY else mmap.PROT_READ | mmap.PROT_WRITE
        m = mmap.mmap(os.open(sys.argv[1], mode), int(sys.argv[2]), prot=prot)
        print('here', flush=True)
        sys.stdin.read()
        """, "{path}", "{size}", .. options.Contains("-r") ? ["r"] : Array.Empty<string>()]);
}
