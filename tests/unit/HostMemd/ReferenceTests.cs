using System.Runtime.CompilerServices;
using HostMemd.Backend.Jobs;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit;

public class ReferenceTests
{
    /// <summary>To bring the manual up to date: HOSTMEMD_UPDATE_DOCS=1 dotnet test tests/unit --filter ReferenceTests</summary>
    [Fact]
    public async Task Manual_IsCurrent()
    {
        var path = Path.Combine(Root(), "docs", "qmp-reference.md");
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
        Assert.All(Events.All, e => Assert.Contains($"\n### {e.Name}\n", written, StringComparison.Ordinal));
        Assert.All(daemon.Types.Creatable.SelectMany(c => c.All),
            p => Assert.Contains($"\n| `{p.Name}` |", written, StringComparison.Ordinal));
        // Every link leads to a heading.
        foreach (var part in written.Split("](#").Skip(1))
            Assert.Contains($"\n### {part[..part.IndexOf(')')]}\n", written.Replace("## Object types", "### object-types", StringComparison.Ordinal),
                StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Commands_AllSayWhatTheyDo() =>
        Assert.All(new Daemon(new HostMemdOptions(), NullLoggerFactory.Instance).Commands.All, c => Assert.EndsWith(".", c.Doc, StringComparison.Ordinal));

    static async Task<string> WriteAsync()
    {
        var daemon = new Daemon(new HostMemdOptions(), NullLoggerFactory.Instance);
        var state = new Lock();
        var environment = new QomEnvironment(new QomTree(new MachineObject(new())), new() { Cpus = 2 }, new FillPool(1), new JobTable(),
            new LeaseTable(state), new HolderSearch(NullLogger.Instance), NullLogger.Instance, state);
        var objects = new ObjectFactory(daemon.Types, environment);
        var samples = new Dictionary<string, QomObject>();
        try
        {
            foreach (var type in daemon.Types.Creatable)
                samples.Add(type.Name, await objects.AddAsync(Least(type)));
            return new Reference(daemon.Commands, daemon.Types, Events.All, type => samples[type.Name]).Write();
        }
        finally
        {
            foreach (var made in samples.Values)
                await objects.DeleteAsync(made.Name);
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

    static string Root([CallerFilePath] string here = "")
    {
        var at = new DirectoryInfo(Path.GetDirectoryName(here)!);
        while (!File.Exists(Path.Combine(at.FullName, "HostMemd.sln")))
            at = at.Parent!;
        return at.FullName;
    }
}
