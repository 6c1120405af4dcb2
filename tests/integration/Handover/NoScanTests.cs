using System.Text.RegularExpressions;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Handover;

/// <summary>Deleting memory that nobody holds asks the kernel one question, and looks at no process.</summary>
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
        // So that the silence above means something.
        Assert.NotEmpty(await TraceAsync(() => Client.QueryMappingsAsync("m")));
    }

    [GeneratedRegex(@"""/proc/\d+/(maps|fd)")]
    private static partial Regex LookAtAProcess();

    /// <summary>What the daemon opens of other processes meanwhile.</summary>
    async Task<string[]> TraceAsync(Func<Task> act)
    {
        using var strace = new Strace(Daemon.Pid, "trace=open,openat");
        await act();
        return [.. strace.End().Where(l => LookAtAProcess().IsMatch(l) && !l.Contains($"/proc/{Daemon.Pid}/", StringComparison.Ordinal))];
    }
}
