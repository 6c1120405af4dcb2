using System.Text.RegularExpressions;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Handover;

/// <summary>Deleting unused memory asks the kernel one question, and inspects no process.</summary>
public sealed partial class NoScanTests(ITestOutputHelper output) : HandoverTest(output)
{
    [FactIf(Need.Strace)]
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
        // So that the absence above means something.
        Assert.NotEmpty(await TraceAsync(() => Client.QueryMappingsAsync("m")));
    }

    [GeneratedRegex(@"""/proc/\d+/(maps|fd)")]
    private static partial Regex LookAtAProcess();

    /// <summary>The files of other processes that the daemon opens meanwhile.</summary>
    async Task<string[]> TraceAsync(Func<Task> act)
    {
        using var strace = new Strace(Daemon.Pid, "trace=open,openat");
        await act();
        return [.. strace.End().Where(l => LookAtAProcess().IsMatch(l) && !l.Contains($"/proc/{Daemon.Pid}/", StringComparison.Ordinal))];
    }
}
