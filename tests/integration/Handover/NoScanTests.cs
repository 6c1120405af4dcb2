using System.Diagnostics;
using System.Text.RegularExpressions;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Handover;

/// <summary>Deleting memory that nobody holds asks the kernel one question, and looks at no process.</summary>
public sealed partial class NoScanTests(ITestOutputHelper output) : HandoverTest(output)
{
    const int SIGINT = 2;

    [StraceFact]
    public async Task DeletingUnheldMemory_LooksAtNoProcess()
    {
        await CountDescriptorsAsync();
        var seen = await TraceAsync(async () =>
        {
            for (var i = 0; i < 20; i++)
            {
                await AddMemfdAsync("m");
                await Client.DeleteObjectAsync("m");
            }
        });
        Assert.Empty(seen);

        await AddMemfdAsync("m");
        // So that the silence above means something.
        Assert.NotEmpty(await TraceAsync(() => Client.QueryMappingsAsync("m")));
    }

    [GeneratedRegex(@"""/proc/\d+/(maps|fd)")]
    private static partial Regex LookAtAProcess();

    /// <summary>What the daemon opens of other processes meanwhile.</summary>
    async Task<string[]> TraceAsync(Func<Task> act)
    {
        var trace = InFolder("trace");
        using var strace = Process.Start("strace", ["-f", "-qq", "-e", "trace=open,openat", "-o", trace, "-p", $"{Daemon.Pid}"])!;
        Eventually.True(() => Directory.GetDirectories($"/proc/{Daemon.Pid}/task").All(IsTraced), "strace");
        await act();
        Wire.Signal(strace.Id, SIGINT);
        Assert.True(strace.WaitForExit(TimeSpan.FromSeconds(30)));
        return [.. File.ReadLines(trace).Where(l => LookAtAProcess().IsMatch(l) && !l.Contains($"/proc/{Daemon.Pid}/", StringComparison.Ordinal))];
    }

    static bool IsTraced(string task)
    {
        try
        {
            return !File.ReadAllText(task + "/status").Contains("TracerPid:\t0\n", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // A thread that has ended.
            return true;
        }
    }
}

/// <summary>Skipped where the daemon cannot be traced.</summary>
sealed class StraceFactAttribute : FactAttribute
{
    public StraceFactAttribute() => Skip = Requires.Missing(Need.Root) ?? (Program.Find("strace") is null ? "needs strace" : null);
}
