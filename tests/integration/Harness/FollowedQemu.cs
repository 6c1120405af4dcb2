using System.Diagnostics;

namespace HostMemd.Integration.Harness;

/// <summary>The QEMU release that is followed, and the real qmp-shell, in the chroot that shared/tools/qemu-reference makes.</summary>
static class FollowedQemu
{
    static readonly string? s_tool = Repository.SharedTool("qemu-reference");

    /// <summary>The chroot is there; making it takes a minute and is test.sh's business.</summary>
    public static bool IsBuilt => s_tool is not null && Program.Run("", s_tool, "path") is { Status: 0, Output: var path }
        && File.Exists(Path.Combine(path.Trim(), "usr/bin/qmp-shell"));

    /// <summary>Lines typed into the real qmp-shell, and what it prints.</summary>
    public static string Shell(string socket, string lines, params string[] options)
    {
        var (status, output, errors) = Program.Run(lines, s_tool!, ["qmp-shell", socket, .. options]);
        Assert.True(status == 0, $"qmp-shell ended with {status}: {output}{errors}");
        return output;
    }

    /// <summary>QEMU without a machine, with QMP on that socket.</summary>
    public static Process Start(string socket) => Qemu.Launch(s_tool!, "start", socket);
}

/// <summary>The distribution's QEMU, in software: no KVM is needed.</summary>
static class Qemu
{
    public const string Program = "qemu-system-x86_64";

    /// <summary>Without a machine, with QMP on that socket.</summary>
    public static Process Start(string socket, params string[] arguments) => Launch(Program,
        ["-machine", "none", "-nodefaults", "-display", "none", "-qmp", $"unix:{socket},server=on,wait=off", .. arguments]);

    public static Process Launch(string program, params string[] arguments)
    {
        var info = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true };
        return Process.Start(info)!;
    }
}

/// <summary>A QEMU that ends with the test.</summary>
sealed class RunningQemu : IDisposable
{
    readonly Process _process;

    public RunningQemu(Process process, string socket)
    {
        _process = process;
        Socket = socket;
        Eventually.True(() =>
        {
            Assert.False(process.HasExited, "QEMU ended");
            return File.Exists(socket) && Probe.Listens(socket);
        }, $"QEMU at {socket}");
    }

    public string Socket { get; }

    public int Pid => _process.Id;

    public QmpClient Connect() => QmpClient.Negotiated(Socket);

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }
}
