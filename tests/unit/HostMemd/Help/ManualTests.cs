using HostMemd.Backend.Objects;
using HostMemd.Backend.Qom;
using HostMemd.Config;
using HostMemd.Events;
using HostMemd.Help;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using HostMemd.Unit.Backend;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.HostMemd.Help;

public class ManualTests
{
    /// <summary>To bring the manual up to date: HOSTMEMD_UPDATE_DOCS=1 dotnet test tests/unit --filter ManualTests</summary>
    [Fact]
    public async Task Manual_IsCurrent()
    {
        var path = Path.Combine(Sources.Root, "docs", "qmp-reference.md");
        var written = await WriteAsync();
        if (Environment.GetEnvironmentVariable("HOSTMEMD_UPDATE_DOCS") == "1")
            await File.WriteAllTextAsync(path, written);
        Assert.Equal(File.Exists(path) ? await File.ReadAllTextAsync(path) : "", written);
    }

    [Fact]
    public async Task Manual_IsTheSameEveryTime() => Assert.Equal(await WriteAsync(), await WriteAsync());

    [Fact]
    public async Task Manual_NamesEverythingThatIsDeclared()
    {
        var daemon = new Daemon(new HostMemdOptions(), NullLoggerFactory.Instance);
        var written = await WriteAsync();
        Assert.All(daemon.Commands.All, c => Assert.Contains($"\n### {c.Name}\n", written, StringComparison.Ordinal));
        Assert.All(DaemonEvents.All, e => Assert.Contains($"\n### {e.Name}\n", written, StringComparison.Ordinal));
        Assert.All(BackendTypes.All.Creatable.SelectMany(c => c.All),
            p => Assert.Contains($"\n| `{p.Name}` |", written, StringComparison.Ordinal));
        // Every link leads to a heading.
        var anchors = written.Split('\n').Where(l => l.StartsWith('#'))
            .Select(l => l.TrimStart('#').Trim().ToLowerInvariant().Replace(' ', '-')).ToHashSet(StringComparer.Ordinal);
        foreach (var part in written.Split("](#").Skip(1))
            Assert.Contains(part[..part.IndexOf(')')], anchors);
    }

    public static TheoryData<string> Names => [.. Commands().All.Select(c => c.Name)];

    static CommandTable Commands() => new Daemon(new HostMemdOptions(), NullLoggerFactory.Instance).Commands;

    [Theory]
    [MemberData(nameof(Names))]
    public void Command_IsDescribed_WithATopicAndAnExample(string name)
    {
        var command = Commands().Find(name);

        Assert.EndsWith(".", command.Doc, StringComparison.Ordinal);
        Assert.NotNull(command.Topic);
        // What can only be refused has errors instead.
        Assert.True(command.Examples.Any(e => IsOf(name, e.Request)) || command.Refusals.Any(r => r.Request is not null), $"no example of {name}");
        Assert.All(command.Refusals, r => Assert.True(r.Request is null || IsOf(name, r.Request), $"an error of {name} is another command's"));
    }

    static bool IsOf(string name, string request) =>
        request.StartsWith($"{{\"execute\": \"{name}\"", StringComparison.Ordinal);

    static async Task<string> WriteAsync()
    {
        var daemon = new Daemon(new HostMemdOptions(), NullLoggerFactory.Instance);
        var test = new TestObjects(new() { Cpus = 2 });
        var samples = new Dictionary<string, QomObject>();
        try
        {
            foreach (var type in BackendTypes.All.Creatable)
                samples.Add(type.Name, await test.Objects.AddAsync(Least(type)));
            // The writer sets properties to what they are, to see which can be changed.
            using (test.State.Enter())
                return new ManualWriter(daemon.Commands, BackendTypes.All, DaemonEvents.All, type => samples[type.Name]).Write();
        }
        finally
        {
            foreach (var made in samples.Values)
                await test.Objects.DeleteAsync(made.Name);
        }
    }

    // Nothing but what is required: one page, in a file that is nowhere to be seen.
    static ObjectOptions Least(QomClass type)
    {
        var required = new Members();
        foreach (var property in type.All.Where(p => p.Required))
            required.Add(property.Name, property.Type == QapiTypes.Str ? Value.From(Path.GetTempPath()) : Value.From(Environment.SystemPageSize));
        return new(type.Name, "sample-" + type.Name, required);
    }
}
