using HostMemd.Backend.Jobs;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
using HostMemd.Hmp;
using HostMemd.Qapi;
using HostMemd.Unit.Backend;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.HostMemd.Hmp;

/// <summary>A monitor with a tree of its own.</summary>
sealed class TestMonitor
{
    public TestMonitor()
    {
        var test = new TestObjects();
        Human = new(test.Tree, BackendTypes.All, test.Options, test.Objects, test.Changes, test.State, "11.1.2test");
    }

    public HmpMonitor Human { get; }

    /// <summary>Runs the lines and returns what the last one prints; those before it must print nothing.</summary>
    public async Task<string> RunAsync(params string[] lines)
    {
        foreach (var line in lines[..^1])
            Assert.Equal("", await Human.RunAsync(line));
        return await Human.RunAsync(lines[^1]);
    }
}
