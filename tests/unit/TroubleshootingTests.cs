using System.Text.RegularExpressions;

namespace HostMemd.Unit;

/// <summary>The texts that docs/troubleshooting.md quotes are texts that the code has.</summary>
public sealed partial class TroubleshootingTests
{
    static readonly Lazy<string[]> s_literals = new(() =>
        [.. Sources.Below("src", "*.cs").SelectMany(f => Literal().Matches(Sources.Read(f))).Select(m => m.Groups[1].Value.Replace("\\\"", "\"", StringComparison.Ordinal))]);

    /// <summary>The first column of its tables. A text with "(systemd)" or "(.NET)" behind it is not the daemon's.</summary>
    public static TheoryData<string> Quotes =>
        [.. Sources.Read("docs/troubleshooting.md").Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(line => Quote().Matches(line.Split(" | ")[0])).Select(m => m.Groups[1].Value).Distinct()];

    [Fact]
    public void Guide_QuotesMany() => Assert.True(Quotes.Count > 25, $"{Quotes.Count} quotes were found");

    [Theory]
    [MemberData(nameof(Quotes))]
    public void Quote_IsInTheCode(string quote)
    {
        // Words in capitals and the ellipsis stand for what varies; in the code that is a hole.
        var pattern = new Regex("^" + Varies().Replace(Regex.Escape(quote), ".*") + "$", RegexOptions.Singleline);

        Assert.Contains(s_literals.Value, literal => pattern.IsMatch(literal));
    }

    // A hole may contain a call with a text of its own, which then ends the match: such texts are quoted up to the hole.
    [GeneratedRegex(@"""((?:[^""\\\n]|\\.)+)""")]
    private static partial Regex Literal();

    [GeneratedRegex(@"`([^`]+)`(?! \((?:systemd|\.NET))")]
    private static partial Regex Quote();

    [GeneratedRegex(@"…|\b[A-Z]{2,}\b|\bN\b")]
    private static partial Regex Varies();
}
