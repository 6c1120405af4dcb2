using System.Text.RegularExpressions;

namespace HostMemd.Unit.Backend;

/// <summary>The folders of a project stand on each other in one direction.</summary>
public sealed partial class BackendFloorsTests
{
    // The folders of src/Backend that the files of each one use. Files outside of a folder may be used by all.
    static readonly Dictionary<string, HashSet<string>> s_uses = Sources.Below("src/Backend", "*.cs")
        .Where(path => path.Split('/').Length == 4)
        .GroupBy(path => path.Split('/')[2])
        .ToDictionary(folder => folder.Key, folder => folder.SelectMany(path => UsedBy(path)).Where(used => used != folder.Key).ToHashSet());

    static IEnumerable<string> UsedBy(string path) => Used().Matches(Sources.Read(path)).Select(m => m.Groups[1].Value);

    [Fact]
    public void Namespaces_AreFolders() => Assert.All(Sources.Below("src/Backend", "*.cs"), path =>
    {
        var folder = Path.GetDirectoryName(path)!.Replace("src/", "HostMemd.", StringComparison.Ordinal).Replace('/', '.');
        Assert.Matches($"(?m)^namespace {Regex.Escape(folder)};", Sources.Read(path));
    });

    [Fact]
    public void Folders_UseEachOtherInOneDirection()
    {
        Assert.True(s_uses.Count > 5 && s_uses["Objects"].Contains("Memory"), "the folders were not found");
        foreach (var folder in s_uses.Keys)
            Descend([folder]);

        static void Descend(IReadOnlyList<string> way)
        {
            foreach (var next in s_uses[way[^1]])
            {
                Assert.True(!way.Contains(next), $"{string.Join(" uses ", way)} uses {next}");
                Descend([.. way, next]);
            }
        }
    }

    [Fact]
    public void Qom_UsesQapiAlone() => Assert.All(Sources.Below("src/Backend/Qom", "*.cs"), path =>
        Assert.DoesNotMatch(@"using (static )?HostMemd\.(?!Qapi\b)|\bBackend\.(?!Qom\b)\w", Sources.Read(path)));

    [GeneratedRegex(@"\bBackend\.(\w+)(?=[.;])(?<!namespace HostMemd\.Backend\.\w+)")]
    private static partial Regex Used();
}
