using System.Globalization;

namespace HostMemd.Fuzz;

/// <summary>The command line. By time, by count, or by whichever comes first; 0 is no limit.</summary>
sealed record FuzzOptions
{
    public string Mode { get; init; } = "both";
    public double Seconds { get; init; }
    public long Count { get; init; }
    public ulong Seed { get; init; } = (ulong)Random.Shared.NextInt64();
    public int Connections { get; init; } = 16;
    public string Daemon { get; init; } = "";
    public string Qemu { get; init; } = "qemu-system-x86_64 -machine none -nodefaults -display none -qmp unix:SOCKET,server=on,wait=off";

    /// <summary>What that QEMU calls the folder of its socket; null if it sees the same root as we.</summary>
    public string? QemuFolder { get; init; }

    public static FuzzOptions? Parse(string[] words)
    {
        var options = new FuzzOptions();
        for (var i = 0; i < words.Length; i += 2)
        {
            var value = i + 1 < words.Length ? words[i + 1] : "";
            switch (words[i])
            {
                case "--mode" when value is "session" or "daemon" or "rpc" or "both" or "compare":
                    options = options with { Mode = value };
                    break;
                case "--seconds" when double.TryParse(value, CultureInfo.InvariantCulture, out var seconds):
                    options = options with { Seconds = seconds };
                    break;
                case "--count" when long.TryParse(value, CultureInfo.InvariantCulture, out var count):
                    options = options with { Count = count };
                    break;
                case "--seed" when ulong.TryParse(value, CultureInfo.InvariantCulture, out var seed):
                    options = options with { Seed = seed };
                    break;
                case "--connections" when int.TryParse(value, CultureInfo.InvariantCulture, out var connections) && connections > 0:
                    options = options with { Connections = connections };
                    break;
                case "--daemon" when value.Length > 0:
                    options = options with { Daemon = Path.GetFullPath(value) };
                    break;
                case "--qemu" when value.Length > 0:
                    options = options with { Qemu = value };
                    break;
                case "--qemu-folder" when value.Length > 0:
                    options = options with { QemuFolder = value };
                    break;
                default:
                    Console.Error.WriteLine($"fuzz: {words[i]} {value}: not understood; see tests/fuzz/Program.cs");
                    return null;
            }
        }
        return options is { Seconds: 0, Count: 0 } ? options with { Seconds = 60 } : options;
    }

    /// <summary>The daemon: as told, the environment's, else the one built beside this.</summary>
    public string FindDaemon() => Daemon.Length > 0 ? Daemon : BuiltDaemon.Find();
}

/// <summary>How long it goes on, for all threads together.</summary>
sealed class Budget : IDisposable
{
    readonly FuzzOptions _options;
    readonly Timer _progress;
    readonly System.Diagnostics.Stopwatch _time = System.Diagnostics.Stopwatch.StartNew();
    long _inputs;

    public Budget(FuzzOptions options)
    {
        _options = options;
        var period = TimeSpan.FromMinutes(1);
        _progress = new(_ => Console.WriteLine($"fuzz: {Inputs} inputs so far"), null, period, period);
    }

    public long Inputs => Volatile.Read(ref _inputs);
    public TimeSpan Elapsed => _time.Elapsed;

    public bool IsSpent => (_options.Seconds > 0 && _time.Elapsed.TotalSeconds > _options.Seconds)
        || (_options.Count > 0 && Inputs >= _options.Count);

    public void Add(long inputs) => Interlocked.Add(ref _inputs, inputs);

    public void Dispose() => _progress.Dispose();
}
