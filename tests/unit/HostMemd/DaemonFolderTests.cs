using System.Text.RegularExpressions;

namespace HostMemd.Unit.HostMemd;

/// <summary>
/// The folders of the daemon stand on each other without a circle. The files beside them are the composition, which no folder knows.
/// </summary>
public sealed partial class DaemonFolderTests
{
    const string Root = "src/HostMemd";

    // Files of the root that stand below the folders.
    static readonly string[] s_ground = ["Log.cs", "VersionInfo.cs", "StartException.cs"];

    static readonly Lazy<Dictionary<string, string[]>> s_folders = new(() =>
        Directory.EnumerateDirectories(Path.Combine(Sources.Root, Root)).Select(path => Path.GetFileName(path)).Where(name => name is not ("bin" or "obj"))
        .ToDictionary(name => name, name => Sources.Below($"{Root}/{name}", "*.cs").ToArray()));

    static string Code(string file) => Comment().Replace(Sources.Read(file), "");

    static IEnumerable<string> UsedBy(string folder) => s_folders.Value[folder].SelectMany(f => Namespace().Matches(Code(f)))
        .Select(m => m.Groups[1].Value).Where(name => name != folder && s_folders.Value.ContainsKey(name)).Distinct();

    [Fact]
    public void Folders_FormNoCircle()
    {
        var left = s_folders.Value.Keys.ToDictionary(name => name, name => UsedBy(name).ToHashSet());
        Assert.Contains("Persistence", left["Takeover"]);

        while (left.Where(f => !f.Value.Any(left.ContainsKey)).Select(f => f.Key).ToArray() is { Length: > 0 } lowest)
        {
            foreach (var folder in lowest)
                left.Remove(folder);
        }

        Assert.True(left.Count == 0, "These are in a circle, or stand on one: "
            + string.Join("; ", left.Select(f => $"{f.Key} uses {string.Join(", ", f.Value.Where(left.ContainsKey))}")));
    }

    [Fact]
    public void Folders_DoNotKnowTheComposition()
    {
        var above = Directory.EnumerateFiles(Path.Combine(Sources.Root, Root), "*.cs")
            .Where(f => !s_ground.Contains(Path.GetFileName(f)))
            .SelectMany(f => TypeName().Matches(File.ReadAllText(f))).Select(m => m.Groups[1].Value).ToHashSet();
        Assert.Contains("Daemon", above);

        var known = s_folders.Value.Values.SelectMany(files => files)
            .SelectMany(f => Word().Matches(Code(f)).Select(m => m.Value).Where(above.Contains).Distinct().Select(name => $"{f} names {name}"));

        Assert.Empty(known);
    }

    // A sibling namespace cannot be used without its name, either in a using or in full.
    [GeneratedRegex(@"\bHostMemd\.([A-Z]\w*)")]
    private static partial Regex Namespace();

    [GeneratedRegex(@"//[^\n]*|""(?:[^""\\\n]|\\.)*""")]
    private static partial Regex Comment();

    [GeneratedRegex(@"^(?:(?:public|internal|sealed|static|abstract|partial|readonly) )*(?:class|record struct|record|struct|enum|interface) (\w+)",
        RegexOptions.Multiline)]
    private static partial Regex TypeName();

    // Not behind a dot: a property may have the name of a type.
    [GeneratedRegex(@"(?<![\w.])[A-Z]\w*")]
    private static partial Regex Word();
}
