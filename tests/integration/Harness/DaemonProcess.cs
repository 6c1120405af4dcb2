using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace HostMemd.Integration.Harness;

/// <summary>
/// The real binary on a private socket in a directory of its own. What it logs is kept, and shown when a test fails.
/// </summary>
sealed class DaemonProcess : IDisposable
{
    static readonly TimeSpan s_startLimit = TimeSpan.FromSeconds(60);
    static readonly TimeSpan s_endLimit = TimeSpan.FromSeconds(30);

    readonly Process _process;
    readonly StringBuilder _log = new();
    readonly Lock _logGate = new();

    DaemonProcess(string directory, string[] arguments, Action<ProcessStartInfo>? prepare)
    {
        Folder = directory;
        _process = Run(arguments, prepare);
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>A directory for the test's files; goes with the daemon.</summary>
    public string Folder { get; }

    public string SocketPath => Path.Combine(Folder, "qmp.sock");

    public int Pid => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>All it wrote to stdout and stderr so far.</summary>
    public string Log
    {
        get
        {
            lock (_logGate)
                return _log.ToString();
        }
    }

    public string[] LogLines => Log.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Starts a daemon with a socket and waits until it answers.</summary>
    public static DaemonProcess Start(params string[] arguments) => Start(null, arguments);

    public static DaemonProcess Start(Action<ProcessStartInfo>? prepare, params string[] arguments)
    {
        var folder = NewFolder();
        return StartIn(folder, prepare, [.. arguments, "--qmp", $"unix:{Path.Combine(folder, "qmp.sock")}"]);
    }

    /// <summary>Starts a daemon whose arguments name its sockets, one of them qmp.sock in that folder.</summary>
    public static DaemonProcess StartIn(string folder, Action<ProcessStartInfo>? prepare, params string[] arguments)
    {
        var daemon = new DaemonProcess(folder, arguments, prepare);
        try
        {
            daemon.AwaitListening(daemon.SocketPath);
            return daemon;
        }
        catch
        {
            daemon.Dispose();
            throw;
        }
    }

    /// <summary>Runs a daemon that is to end by itself.</summary>
    public static (int Status, string Output, string Errors) RunToEnd(Action<ProcessStartInfo>? prepare, params string[] arguments)
    {
        using var process = Run(arguments, prepare);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_startLimit))
        {
            process.Kill();
            Assert.Fail($"hostmemd {string.Join(' ', arguments)} did not end");
        }
        return (process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    public static string NewFolder() => Directory.CreateTempSubdirectory("hostmemd-it-").FullName;

    static Process Run(string[] arguments, Action<ProcessStartInfo>? prepare)
    {
        var info = new ProcessStartInfo(Repository.Daemon, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // The service manager of the test run is not the daemon's.
        foreach (var name in (string[])["JOURNAL_STREAM", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "RUNTIME_DIRECTORY"])
            info.Environment.Remove(name);
        // As the unit has it; without it each daemon that is killed leaves three files of the runtime in /tmp.
        info.Environment["DOTNET_EnableDiagnostics"] = "0";
        prepare?.Invoke(info);
        var process = Process.Start(info)!;
        process.StandardInput.Close();
        return process;
    }

    /// <summary>Waits until a process listens there.</summary>
    public void AwaitListening(string path)
    {
        Eventually.True(() =>
        {
            Assert.False(_process.HasExited, $"the daemon ended: {Log}");
            return Probe.Listens(path);
        }, $"a daemon at {path}; it said: {Log}", s_startLimit);
    }

    /// <summary>A client that has negotiated.</summary>
    public QmpClient Connect(bool outOfBand = false) => QmpClient.Negotiated(SocketPath, outOfBand);

    /// <summary>A client that has read nothing yet.</summary>
    public QmpClient ConnectSilently() => new(SocketPath);

    public void Signal(int signal) => Wire.Signal(Pid, signal);

    /// <summary>Waits for the end.</summary>
    /// <returns>The exit status.</returns>
    public int AwaitExit()
    {
        Assert.True(_process.WaitForExit(s_endLimit), "the daemon did not end");
        // The form without a limit also waits for the last of the output.
        _process.WaitForExit();
        return _process.ExitCode;
    }

    void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null)
            return;
        lock (_logGate)
            _log.Append(line.Data).Append('\n');
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }
        _process.Dispose();
        if (Directory.Exists(Folder))
            Directory.Delete(Folder, recursive: true);
    }
}
