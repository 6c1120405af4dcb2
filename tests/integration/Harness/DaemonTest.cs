using System.Diagnostics;
using Xunit.Abstractions;

namespace HostMemd.Integration.Harness;

/// <summary>A test with a daemon of its own. The daemon's log goes to the test's output, which is shown when it fails.</summary>
public abstract class DaemonTest(ITestOutputHelper output) : IDisposable
{
    // Some tests make thousands of objects.
    const int LinesShown = 60;

    readonly List<DaemonProcess> _daemons = [];
    readonly List<IDisposable> _things = [];
    string? _folder;

    protected ITestOutputHelper Output { get; } = output;

    /// <summary>A folder for what the test writes; made when first asked for, goes with the test.</summary>
    protected string Folder => _folder ??= DaemonProcess.NewFolder();

    /// <summary>The daemon; started when first asked for.</summary>
    private protected DaemonProcess Daemon => _daemons.Count > 0 ? _daemons[0] : Start();

    private protected DaemonProcess Start(params string[] arguments) => Start(null, arguments);

    private protected DaemonProcess Start(Action<ProcessStartInfo>? prepare, params string[] arguments)
    {
        var daemon = DaemonProcess.Start(prepare, arguments);
        _daemons.Add(daemon);
        return daemon;
    }

    private protected DaemonProcess StartIn(string folder, params string[] arguments) => StartIn(folder, null, arguments);

    private protected DaemonProcess StartIn(string folder, Action<ProcessStartInfo>? prepare, params string[] arguments)
    {
        var daemon = DaemonProcess.StartIn(folder, prepare, arguments);
        _daemons.Add(daemon);
        return daemon;
    }

    private protected QmpClient Connect(bool outOfBand = false) => Keep(Daemon.Connect(outOfBand));

    /// <summary>Disposes of it when the test is over, before the daemon.</summary>
    protected T Keep<T>(T thing) where T : IDisposable
    {
        _things.Add(thing);
        return thing;
    }

    /// <summary>A path in the daemon's folder.</summary>
    protected string InFolder(string name) => Path.Combine(Daemon.Folder, name);

    public void Dispose()
    {
        for (var i = _things.Count - 1; i >= 0; i--)
            _things[i].Dispose();
        foreach (var daemon in _daemons)
        {
            var lines = daemon.LogLines;
            Output.WriteLine($"log of daemon {daemon.Pid}, {lines.Length} lines:\n{string.Join('\n', lines.TakeLast(LinesShown))}");
            daemon.Dispose();
        }
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }
}
