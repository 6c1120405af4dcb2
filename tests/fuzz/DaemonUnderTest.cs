using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;

namespace HostMemd.Fuzz;

/// <summary>The built daemon, with limits that keep the machine usable.</summary>
sealed class DaemonUnderTest : IDisposable
{
    const string Settings = """
        { "Limits": { "Objects": 500, "BytesTotal": "256M", "FillThreads": 2 },
          "Access": { "MemPaths": [ "@" ] },
          "Serilog": { "MinimumLevel": { "Default": "Warning" } } }
        """;

    readonly Process _process;
    readonly ConcurrentQueue<string> _log = new();

    public DaemonUnderTest(string program, params string[] arguments)
    {
        Folder = Directory.CreateTempSubdirectory("hostmemd-fuzz-").FullName;
        var config = Path.Combine(Folder, "config.json");
        File.WriteAllText(config, Settings.Replace("@", Folder, StringComparison.Ordinal));
        Socket = Path.Combine(Folder, "qmp.sock");
        RpcSocket = Path.Combine(Folder, "rpc.sock");
        _process = Process.Start(new ProcessStartInfo(program, ["--config", config, "--qmp", $"unix:{Socket}", "--jsonrpc", $"unix:{RpcSocket}", .. arguments])
        {
            RedirectStandardError = true,
            RedirectStandardInput = true,
        })!;
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginErrorReadLine();
        Await(Socket, _process, () => Tail);
    }

    public string Folder { get; }
    public string Socket { get; }
    public string RpcSocket { get; }
    public int Pid => _process.Id;
    public bool HasExited => _process.HasExited;
    public int Status => _process.ExitCode;

    /// <summary>Whether it is about to end: its connections are gone a moment before it is.</summary>
    public bool Ends() => _process.WaitForExit(5000);

    /// <summary>Lines of level error: bugs that were caught.</summary>
    public IEnumerable<string> Errors => _log.Where(l => l.Contains(" ERR ", StringComparison.Ordinal) || l.Contains(" FTL ", StringComparison.Ordinal));

    public string Tail => string.Join('\n', _log.TakeLast(40));

    void Keep(string? line)
    {
        if (line is null)
            return;
        _log.Enqueue(line);
        while (_log.Count > 2000 && _log.TryDequeue(out _))
        {
        }
    }

    public static void Await(string socket, Process process, Func<string> log)
    {
        if (!Polling.Until(() => process.HasExited || Probe.Listens(socket), TimeSpan.FromSeconds(60)) || process.HasExited)
            throw new RuleBrokenException($"no daemon at {socket}: {log()}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
