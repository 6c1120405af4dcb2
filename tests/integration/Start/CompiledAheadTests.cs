using System.Text.RegularExpressions;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Start;

/// <summary>What is published is compiled ahead: a restart under running guests, and the first command after it, wait for no compiler.</summary>
public sealed partial class CompiledAheadTests(ITestOutputHelper output) : DaemonTest(output)
{
    /// <summary>
    /// The runtime's own list. Left are kinds that ReadyToRun never has: generics over types it could not foresee, and what is meant to be
    /// optimized at once.
    /// </summary>
    [FactIf(Need.Published)]
    public void StartAndCommands_CompileNoneOfOurMethods_AndNothingThatTheRuntimeItselfCalls()
    {
        var list = Path.Combine(Folder, "compiled");
        var daemon = StartIn(Folder, info =>
        {
            info.Environment["DOTNET_JitStdOutFile"] = list;
            info.Environment["DOTNET_JitDisasmSummary"] = "1";
        }, "--qmp", $"unix:{Folder}/qmp.sock");
        using (var client = Connect())
        {
            foreach (var kind in (string[])["ram", "memfd", "shm"])
            {
                client.Add("memory-backend-" + kind, kind, new() { ["size"] = 2 << 20 });
                client.Set(kind, "merge", true);
                client.Get(kind, "host-nodes");
            }
            client.Ok("query-memdev");
            client.Ok("query-memdev-stats");
            client.Delete("ram");
            client.Ok("quit");
        }
        // Its status is not looked at: with this list the runtime may stumble over its own file at the very end.
        daemon.AwaitExit();

        var compiled = First().Matches(File.ReadAllText(list)).Select(m => m.Groups["method"].Value).ToArray();
        Assert.NotEmpty(compiled);
        string[] wrong = [.. compiled.Where(m => OurOwn().IsMatch(m) || m.StartsWith("System.Runtime.CompilerServices.CastHelpers:", StringComparison.Ordinal))];
        Assert.Empty(wrong);
    }

    [GeneratedRegex(@"JIT compiled (?<method>.+) \[Tier0,")]
    private static partial Regex First();

    // Not of a generic type nor a generic method.
    [GeneratedRegex(@"^HostMemd\.[^\[(]+\(")]
    private static partial Regex OurOwn();
}
