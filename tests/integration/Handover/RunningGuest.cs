using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using HostMemd.Integration.Harness;

namespace HostMemd.Integration.Handover;

/// <summary>The distribution's QEMU with a guest on memory at a path. It does not know the daemon.</summary>
sealed partial class RunningGuest : IDisposable
{
    static readonly TimeSpan s_bootLimit = TimeSpan.FromMinutes(3);

    readonly Process _process;
    readonly QmpClient _monitor;
    readonly string _console;

    /// <param name="folder">Where its files go.</param>
    /// <param name="name">Of its files.</param>
    /// <param name="memory">The path of its memory.</param>
    /// <param name="isIncoming">Wait for the state of another one.</param>
    public RunningGuest(string folder, string name, string memory, bool isIncoming = false)
    {
        _console = Path.Combine(folder, name + ".console");
        var socket = Path.Combine(folder, name + ".sock");
        var initramfs = Path.Combine(folder, "initramfs");
        if (!File.Exists(initramfs))
            Guest.WriteInitramfs(folder);
        string[] arguments =
        [
            "-machine", "pc,accel=tcg,memory-backend=ram", "-m", "128", "-nodefaults", "-display", "none", "-no-reboot",
            "-object", string.Create(CultureInfo.InvariantCulture, $"memory-backend-file,id=ram,size={Guest.MemorySize},mem-path={memory},share=on"),
            "-kernel", Guest.Kernel!, "-initrd", initramfs, "-append", "console=ttyS0 quiet panic=-1 rdinit=/init memmap=1M$0x6000000",
            "-chardev", $"file,id=console,path={_console}", "-serial", "chardev:console",
            "-qmp", $"unix:{socket},server=on,wait=off",
            .. isIncoming ? (string[])["-incoming", "defer"] : [],
        ];
        _process = Qemu.Launch(Qemu.Program, arguments);
        Eventually.True(() =>
        {
            Assert.False(_process.HasExited, "QEMU ended");
            return File.Exists(socket) && Probe.Listens(socket);
        }, "QEMU's monitor");
        _monitor = QmpClient.Negotiated(socket);
    }

    public int Pid => _process.Id;

    public string Console => File.Exists(_console) ? File.ReadAllText(_console) : "";

    /// <summary>The numbers it has counted so far, complete lines only.</summary>
    public static int[] Counted(string console) =>
        [.. Count().Matches(console).Select(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture))];

    [GeneratedRegex(@"count (\d+)\r?\n")]
    private static partial Regex Count();

    /// <summary>Waits until it has counted that many times since now.</summary>
    public void AwaitCounting(int times = 5)
    {
        var from = Counted(Console).Length;
        Eventually.True(() => Counted(Console).Length >= from + times, "the guest counts", s_bootLimit);
    }

    /// <summary>A command that must succeed; events before its reply are skipped.</summary>
    public System.Text.Json.JsonElement Execute(string command, JsonObject? arguments = null)
    {
        _monitor.Command(command, arguments);
        while (true)
        {
            var reply = _monitor.Reply();
            if (reply.TryGetProperty("return", out var result))
                return result;
            Assert.True(reply.TryGetProperty("event", out _), $"{command} was answered {reply}");
        }
    }

    /// <summary>Memory that is shared is neither saved nor loaded: it is where it was.</summary>
    public void IgnoreShared() => Execute("migrate-set-capabilities", new()
    {
        ["capabilities"] = new JsonArray(new JsonObject { ["capability"] = "x-ignore-shared", ["state"] = true }),
    });

    public void Save(string path)
    {
        Execute("migrate", new() { ["uri"] = $"exec:cat > '{path}'" });
        AwaitMigration();
    }

    public void Load(string path)
    {
        Execute("migrate-incoming", new() { ["uri"] = $"exec:cat '{path}'" });
        AwaitMigration();
    }

    void AwaitMigration()
    {
        var status = "";
        while (status != "completed")
        {
            status = Execute("query-migrate").TryGetProperty("status", out var told) ? told.GetString() : "";
            Assert.NotEqual("failed", status);
        }
    }

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _monitor.Dispose();
        _process.Dispose();
    }
}
