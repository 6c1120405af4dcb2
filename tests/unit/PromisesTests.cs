using System.Reflection;
using System.Text.RegularExpressions;
using HostMemd.Backend.Objects;
using HostMemd.Config;
using HostMemd.Linux;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit;

/// <summary>What comments and documents promise about the whole tree, and no other test would notice when it is no longer true.</summary>
public sealed partial class PromisesTests
{
    // The only folders where a system call may be declared.
    static readonly string[] s_callFolders = ["src/Linux"];

    // libSystem.Native's, which is the runtime's and not a system call.
    static readonly string[] s_callsElsewhere = ["src/HostMemd/Start/DirectSignals.cs"];

    // Packages, not members.
    static readonly string[] s_packages = ["Nerdbank.Streams", "Nerdbank.MessagePack"];

    [Fact]
    public void SystemCalls_AreDeclaredInOnePlace()
    {
        var outside = Sources.Below("src", "*.cs").Where(f => !s_callFolders.Any(folder => f.StartsWith(folder + "/", StringComparison.Ordinal)))
            .Where(f => Sources.Read(f).Contains("[LibraryImport(", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

        Assert.Equal(s_callsElsewhere.Where(f => File.Exists(Path.Combine(Sources.Root, f))), outside);
    }

    [Fact]
    public void Errnos_AreReadInOnePlace()
    {
        string[] words = ["GetLastPInvokeError", "GetLastSystemError", "GetPInvokeErrorMessage"];

        var outside = Sources.Below("src", "*.cs").Where(f => !f.StartsWith("src/Linux/", StringComparison.Ordinal));

        Assert.DoesNotContain(outside, f => words.Any(word => Sources.Read(f).Contains(word, StringComparison.Ordinal)));
    }

    // Folders whose files have the namespace of their place, and the namespace of the folder.
    static readonly (string Folder, string Namespace)[] s_spaces =
    [
        ("src/HostMemd", "HostMemd"), ("src/Client", "HostMemd.Client"),
        ("tests/unit/HostMemd", "HostMemd.Unit.HostMemd"), ("tests/integration", "HostMemd.Integration"),
    ];

    [Fact]
    public void Namespaces_AreFolders()
    {
        foreach (var (folder, space) in s_spaces)
        {
            foreach (var file in Sources.Below(folder, "*.cs"))
            {
                var below = Path.GetDirectoryName(Path.GetRelativePath(folder, file))!.Replace('/', '.');
                if (Space().Match(Sources.Read(file)) is { Success: true } match)
                    Assert.Equal((file, below.Length == 0 ? space : $"{space}.{below}"), (file, match.Groups[1].Value));
            }
        }
    }

    [Fact]
    public void Projects_AreInTheSolution()
    {
        var solution = Sources.Read("HostMemd.sln").Replace('\\', '/');

        Assert.All(Sources.Below(".", "*.csproj"), project => Assert.Contains($"\"{project}\"", solution, StringComparison.Ordinal));
    }

    [Fact]
    public void TestClasses_HaveNamesOfTheirOwn()
    {
        var names = Sources.Below("tests", "*Tests.cs").GroupBy(Path.GetFileName).Where(files => files.Count() > 1).Select(files => files.Key);

        Assert.Empty(names);
    }

    public static TheoryData<string> Documents =>
        [.. Sources.Below(".", "*.md").Where(f => !f.StartsWith("bench/history/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Document_CitesOnlyWhatExists(string path)
    {
        var text = Sources.Read(path);
        var missing = Member().Matches(text).Where(m => !Exists(m.Groups[1].Value, m.Groups[2].Value)).Select(m => m.Value)
            .Concat(TestName().Matches(text).Select(m => m.Groups[1].Value).Where(name => !s_tests.Value.Contains(name)));

        Assert.Empty(missing);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Document_LinksOnlyToWhatExists(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        foreach (Match link in Link().Matches(Code().Replace(Sources.Read(path), "")))
        {
            var target = link.Groups[1].Value.Length == 0 ? path : Path.Combine(folder, link.Groups[1].Value);
            Assert.True(Path.Exists(Path.Combine(Sources.Root, target)), $"{path} links to {target}");
            if (link.Groups[2].Value is { Length: > 0 } anchor)
                Assert.Contains(anchor[1..], Anchors(Sources.Read(target)));
        }
    }

    [Fact]
    public void Sample_NamesEverySetting()
    {
        var sample = Sources.Read("deploy/hostmemd.json");

        Assert.All(SettingTable.All.SelectMany(key => key.Members.Prepend(key)),
            key => Assert.Contains($"\"{key.Name}\": ", sample, StringComparison.Ordinal));
    }

    [Fact]
    public void Readme_NamesEveryCommand()
    {
        var readme = Sources.Read("README.md");

        Assert.All(new Daemon(new HostMemdOptions(), NullLoggerFactory.Instance).Commands.All,
            c => Assert.Contains($"`{c.Name}`", readme, StringComparison.Ordinal));
    }

    [Fact]
    public void Readme_NamesEveryProperty()
    {
        var readme = Sources.Read("README.md");
        var properties = BackendTypes.All.Creatable.SelectMany(c => c.All).Where(p => p.InSchema);

        Assert.All(properties, p => Assert.Contains($"`{p.Name}`", readme, StringComparison.Ordinal));
    }

    [Fact]
    public void UnexpectedFailures_AreLogged()
    {
        var lines = new List<string>();
        using var loggers = LoggerFactory.Create(builder => builder.AddProvider(new Lines(lines)));
        _ = new Daemon(new HostMemdOptions(), loggers);

        UnexpectedFailures.Report("munmap(0x7f0000000000, 4096): EINVAL (a test)");

        lock (lines)
            Assert.Contains("Error unexpected failure: munmap(0x7f0000000000, 4096): EINVAL (a test)", lines);
    }

    // A setting of the configuration counts as Section.Setting.
    static bool Exists(string type, string member) => s_packages.Contains($"{type}.{member}")
        || (Sources.Read("deploy/hostmemd.json") is var sample && sample.Contains($"\"{type}\"", StringComparison.Ordinal)
            && sample.Contains($"\"{member}\"", StringComparison.Ordinal))
        || s_types.Value[type].Any(t => t.GetMember(member, (BindingFlags)(-1)).Length > 0 || t.GetNestedType(member, (BindingFlags)(-1)) is not null);

    static readonly Lazy<ILookup<string, Type>> s_types = new(() =>
    {
        Type[] some = [typeof(global::HostMemd.Qapi.Value), typeof(global::HostMemd.Protocol.Contract.Command), typeof(Errno), typeof(global::HostMemd.Backend.Memory.HostMemoryBackend), typeof(Daemon), typeof(global::HostMemd.Client.HostMemdClient),
            typeof(object), typeof(ILogger), typeof(Microsoft.Extensions.Hosting.Host)];
        return some.SelectMany(t => t.Assembly.GetTypes()).ToLookup(t => t.Name.Split('`')[0], StringComparer.Ordinal);
    });

    static readonly Lazy<HashSet<string>> s_tests = new(() => [.. Sources.Below("tests", "*.cs")
        .SelectMany(f => Method().Matches(Sources.Read(f))).Select(m => m.Groups[1].Value)]);

    // As GitHub makes them of headings.
    static IEnumerable<string> Anchors(string markdown) => markdown.Split('\n').Where(line => line.StartsWith('#'))
        .Select(line => NotInAnchors().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-'));

    [GeneratedRegex(@"`([A-Z]\w*)\.([A-Z]\w*)[`(<]")]
    private static partial Regex Member();

    [GeneratedRegex(@"`([A-Z]\w*_\w*[a-z]\w*)`")]
    private static partial Regex TestName();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Space();

    [GeneratedRegex(@"\b(?:void|Task)\s+(\w+)\(")]
    private static partial Regex Method();

    [GeneratedRegex(@"\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex("```.*?```|`[^`\n]*`", RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchors();

    sealed class Lines(List<string> lines) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (lines)
                lines.Add($"{logLevel} {formatter(state, exception)}");
        }

        public void Dispose()
        {
        }
    }
}
