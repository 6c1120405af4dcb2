using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;

namespace HostMemd.Integration.Persistence;

/// <summary>
/// A daemon under manager.py, which does what systemd does: it passes a socket, stores descriptors, and receives messages.
/// </summary>
sealed class ServiceManager : IDisposable
{
    readonly Process _program;

    public ServiceManager()
    {
        Folder = DaemonProcess.NewFolder();
        var info = new ProcessStartInfo("python3", ["-B", Path.Combine(Repository.Root, "tests/integration/Persistence/manager.py"), Folder, Repository.Daemon])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        _program = Process.Start(info)!;
        Assert.Equal("null", _program.StandardOutput.ReadLine());
    }

    public string Folder { get; }

    public string SocketPath => Path.Combine(Folder, "qmp.sock");

    /// <summary>Of the daemon.</summary>
    public int Pid { get; private set; }

    JsonNode? Ask(string what, JsonObject? with = null)
    {
        var request = with ?? [];
        request["do"] = what;
        _program.StandardInput.WriteLine(request.ToJsonString());
        return JsonNode.Parse(_program.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the manager has ended"));
    }

    /// <summary>Starts the daemon with the socket and all that is stored; does not wait until it is ready.</summary>
    public ServiceManager Begin(string[]? arguments = null, JsonObject? environment = null, bool socket = true)
    {
        Pid = Ask("start", new()
        {
            ["arguments"] = new JsonArray([.. (arguments ?? []).Select(a => JsonValue.Create(a))]),
            ["environment"] = environment,
            ["socket"] = socket,
        })!.GetValue<int>();
        return this;
    }

    public ServiceManager Start(params string[] arguments)
    {
        Begin(arguments);
        AwaitReady();
        return this;
    }

    public void AwaitReady() => Eventually.True(() =>
    {
        Assert.True(Ended is null, "the daemon ended: " + Log);
        return Said("READY").Length > 0;
    }, "READY; it said: " + Log, TimeSpan.FromSeconds(60));

    /// <summary>Its exit status, or null while it runs.</summary>
    public int? Ended => Ask("ended")?.GetValue<int>();

    public int AwaitEnd()
    {
        Eventually.True(() => Ended is not null, "the daemon's end: " + Log);
        return Ended!.Value;
    }

    /// <summary>All messages since the daemon's start, in order.</summary>
    public JsonObject[] Messages => [.. Ask("messages")!.AsArray().Select(m => m!.AsObject())];

    public string[] Said(string name) => [.. Messages.Where(m => m.ContainsKey(name)).Select(m => m[name]!.GetValue<string>())];

    /// <summary>What is stored.</summary>
    public string[] Names => [.. Ask("names")!.AsArray().Select(n => n!.GetValue<string>())];

    public string[] Memory => [.. Names.Where(n => n.StartsWith("mem-", StringComparison.Ordinal))];

    public string Journal => Assert.Single(Names, n => n.StartsWith("state-", StringComparison.Ordinal));

    public byte[] Content(string name) => Convert.FromHexString(Ask("content", new() { ["name"] = name })!.GetValue<string>());

    public void Put(string name, byte[] content) => Ask("put", new() { ["name"] = name, ["content"] = Convert.ToHexString(content) });

    public void Drop(string name) => Ask("drop", new() { ["name"] = name });

    /// <summary>FileDescriptorStoreMax=.</summary>
    public int Capacity { set => Ask("capacity", new() { ["value"] = value }); }

    public string Log => Ask("log")!.GetValue<string>();

    public void Signal(int number) => Wire.Signal(Pid, number);

    /// <summary>Kills the daemon with SIGKILL and starts the next one.</summary>
    public ServiceManager Crash(params string[] arguments)
    {
        Kill();
        return Start(arguments);
    }

    public void Kill()
    {
        const int SIGKILL = 9;
        Signal(SIGKILL);
        AwaitEnd();
    }

    public QmpClient Connect() => QmpClient.Negotiated(SocketPath);

    /// <summary>A journal of these lines, as a daemon writes it.</summary>
    public static byte[] JournalOf(params string[] lines)
    {
        var text = new StringBuilder();
        foreach (var line in lines)
            text.Append(CultureInfo.InvariantCulture, $"{Checksum(Encoding.UTF8.GetBytes(line)):x8} {line}\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    // CRC-32 of IEEE 802.3.
    static uint Checksum(byte[] bytes)
    {
        var sum = uint.MaxValue;
        foreach (var b in bytes)
        {
            sum ^= b;
            for (var bit = 0; bit < 8; bit++)
                sum = (sum & 1) != 0 ? (sum >> 1) ^ 0xEDB88320 : sum >> 1;
        }
        return ~sum;
    }

    public void Dispose()
    {
        _program.StandardInput.Close();
        if (!_program.WaitForExit(10_000))
            _program.Kill();
        _program.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
