using System.Diagnostics;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Security;

/// <summary>A test whose daemon has a configuration of its own, in a folder that other users can enter.</summary>
public abstract class SecurityTest(ITestOutputHelper output) : DaemonTest(output)
{
    const UnixFileMode Everyone = (UnixFileMode)0b111_101_101;

    /// <summary>Starts a daemon.</summary>
    /// <param name="settings">The configuration; <c>@</c> stands for the folder.</param>
    /// <param name="wrapper">Words in front of the daemon's command line: a program that runs another, such as prlimit.</param>
    private protected DaemonProcess StartWith(string settings, params string[] wrapper)
    {
        var folder = DaemonProcess.NewFolder();
        File.SetUnixFileMode(folder, Everyone);
        // The user that the daemon runs as must be able to make the socket.
        if (wrapper.FirstOrDefault(w => w.StartsWith("--reuid=", StringComparison.Ordinal)) is { } user)
            Harness.Program.Check("chown", user[8..], folder);
        var config = Path.Combine(folder, "config.json");
        File.WriteAllText(config, settings.Replace("@", folder, StringComparison.Ordinal));
        return Keep(DaemonProcess.StartIn(folder, info => Wrap(info, wrapper),
            "--config", config, "--qmp", "unix:" + Path.Combine(folder, "qmp.sock")));
    }

    static void Wrap(ProcessStartInfo info, string[] wrapper)
    {
        if (wrapper.Length == 0)
            return;
        info.ArgumentList.Insert(0, info.FileName);
        info.FileName = wrapper[0];
        for (var i = wrapper.Length - 1; i > 0; i--)
            info.ArgumentList.Insert(0, wrapper[i]);
    }

    /// <summary>The entry of query-memdev-limits for one limit.</summary>
    private protected static (ulong Used, ulong? Max) Limit(QmpClient client, string name)
    {
        var limit = client.Ok("query-memdev-limits").EnumerateArray().Single(l => l.GetProperty("name").GetString() == name);
        return (limit.GetProperty("used").GetUInt64(), limit.TryGetProperty("max", out var max) ? max.GetUInt64() : null);
    }

    /// <summary>Waits until the daemon has logged this text.</summary>
    private protected static void AwaitLog(DaemonProcess daemon, string text) =>
        Eventually.True(() => daemon.Log.Contains(text, StringComparison.Ordinal), $"'{text}' in the log:\n{daemon.Log}");
}
