using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace HostMemd.Unit.Protocol;

/// <summary>Which part of the tree may know which other part.</summary>
public sealed partial class LayersTests
{
    // What each project that others stand on may refer to.
    static readonly Dictionary<string, string[]> s_foundations = new()
    {
        ["Linux"] = [],
        ["Qapi"] = [],
        ["Protocol"] = ["Linux", "Qapi"],
        ["Backend"] = ["Linux", "Qapi"],
        ["Client"] = ["Linux", "Qapi"],
        ["Ctl"] = ["Client", "Linux", "Qapi"],
    };

    // What writes the manual pages reads the tables of both programs, and is part of neither.
    static readonly string[] s_programs = ["HostMemd", "Ctl"];

    // The daemon puts its front ends together; no other project may refer to one.
    static readonly string[] s_frontEnds = ["Rpc"];

    // What the contract needs of the wire: who the client is, and closing what it sent.
    static readonly string[] s_contractUses = ["PeerCredentials", "Closing"];

    public static TheoryData<string> Projects => [.. Sources.Below("src", "*.csproj").Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_RefersOnlyToWhatItMayStandOn(string project)
    {
        var name = Path.GetFileNameWithoutExtension(project);
        var allowed = s_foundations.TryGetValue(name, out var below) ? below
            : name == "Manual" ? s_programs
            : [.. s_foundations.Keys, .. name == "HostMemd" ? s_frontEnds : []];

        var references = XDocument.Parse(Sources.Read(project)).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!));

        Assert.Empty(references.Except(allowed));
    }

    [Theory]
    [InlineData("src/Protocol/Wire", "HostMemd.Protocol.Contract", "HostMemd.Protocol.Clients", "HostMemd.Protocol.Qmp")]
    [InlineData("src/Protocol/Contract", "HostMemd.Protocol.Clients", "HostMemd.Protocol.Qmp")]
    [InlineData("src/Protocol/Clients", "HostMemd.Protocol.Qmp")]
    [InlineData("src/HostMemd/Commands", "HostMemd.Protocol.Qmp")]
    public void Folder_DoesNotName(string folder, params string[] namespaces)
    {
        foreach (var file in Sources.Below(folder, "*.cs"))
        {
            var code = CodeOf(file);
            // A part of the name is enough inside of the same root.
            Assert.All(namespaces, n => Assert.False(Regex.IsMatch(code, $@"\b{n[(n.LastIndexOf('.') + 1)..]}\.|using {n};"), $"{file} names {n}"));
        }
    }

    [Fact]
    public void Contract_UsesNoSocket()
    {
        var wire = Sources.Below("src/Protocol/Wire", "*.cs").Select(f => Path.GetFileNameWithoutExtension(f)).Except(s_contractUses).ToHashSet();

        foreach (var file in Sources.Below("src/Protocol/Contract", "*.cs"))
            Assert.DoesNotContain(Word().Matches(CodeOf(file)).Select(m => m.Value), wire.Contains);
    }

    [Theory]
    [InlineData("src/Protocol", "HostMemd.Protocol")]
    public void Namespaces_AreTheFolders(string project, string root)
    {
        foreach (var file in Sources.Below(project, "*.cs"))
        {
            var folder = Path.GetDirectoryName(Path.GetRelativePath(project, file))!.Replace('/', '.');
            Assert.Contains($"namespace {(folder.Length == 0 ? root : $"{root}.{folder}")};", Sources.Read(file), StringComparison.Ordinal);
        }
    }

    static string CodeOf(string file) => Comment().Replace(Sources.Read(file), "");

    [GeneratedRegex("//.*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();
}
