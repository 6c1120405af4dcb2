using HostMemd.Ctl.Line;
using HostMemd.Ctl.Verbs;

namespace HostMemd.Unit.Ctl;

/// <summary>The rows of the verbs are fit for all that is read from them.</summary>
public sealed class TableTests
{
    public static TheoryData<string> Names => [.. VerbTable.All.Select(v => v.Name)];

    static VerbRow Verb(string name) => VerbTable.All.Single(v => v.Name == name);

    [Theory]
    [MemberData(nameof(Names))]
    public void Verb_IsDescribed(string name)
    {
        var verb = Verb(name);
        Assert.EndsWith(".", verb.Help, StringComparison.Ordinal);
        Assert.All(verb.Details, d => Assert.EndsWith(".", d, StringComparison.Ordinal));
        Assert.All(verb.Operands, o => Assert.EndsWith(".", o.Help, StringComparison.Ordinal));
        Assert.All(verb.Options, o => Assert.EndsWith(".", o.Help, StringComparison.Ordinal));
        // Only the last operand can take all that is left, and none that must be there follows one that need not.
        Assert.All(verb.Operands.SkipLast(1), o => Assert.False(o.IsMany));
        Assert.Equal(verb.Operands.OrderBy(o => o.IsOptional), verb.Operands);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Option_IsNoOther(string name)
    {
        var options = Verb(name).Options;
        Assert.Empty(options.Select(o => o.Name).Intersect(GlobalOptions.All.Select(o => o.Name)));
        Assert.Equal(options.Count, options.Select(o => o.Name).Distinct().Count());
        var letters = options.Select(o => o.Letter).Where(l => l != '\0').ToArray();
        Assert.Equal(letters.Length, letters.Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Help_FitsATerminal(string name) =>
        Assert.All(HelpText.Of(Verb(name)).Split('\n').Where(l => l.StartsWith("  ", StringComparison.Ordinal)), l =>
            Assert.InRange(l.Length, 0, 120));

    [Fact]
    public void Help_HasAllVerbs_ButTheHidden()
    {
        var help = HelpText.OfAll();
        Assert.All(VerbTable.Shown, v => Assert.Contains($"\n  {v.Name}", help, StringComparison.Ordinal));
        Assert.DoesNotContain("bridge", help, StringComparison.Ordinal);
    }

    // users.md, 1.5: names that stay.
    [Fact]
    public void Grammar_IsWhole() => Assert.Equal(
        ["list", "show", "add", "rm", "get", "set", "fill", "jobs", "cancel", "pause", "resume", "dismiss", "who", "run", "map", "unmap",
            "stats", "top", "limits",
            "watch", "qmp", "schema", "version", "quit", "completion", "bridge"], VerbTable.All.Select(v => v.Name));
}
