using HostMemd.Backend.Objects;
using HostMemd.Human;
using HostMemd.Unit.Backend;

namespace HostMemd.Unit.Human;

/// <summary>A monitor with a tree of its own.</summary>
sealed class TestMonitor
{
    public TestMonitor()
    {
        var test = new TestObjects();
        Human = new(test.Tree, BackendTypes.All, test.Options, test.Objects, test.Changes, test.State, "11.1.2test");
    }

    public HumanMonitor Human { get; }

    /// <summary>Runs the lines and returns what the last one prints; those before it must print nothing.</summary>
    public async Task<string> RunAsync(params string[] lines)
    {
        foreach (var line in lines[..^1])
            Assert.Equal("", await Human.RunAsync(line));
        return await Human.RunAsync(lines[^1]);
    }
}
