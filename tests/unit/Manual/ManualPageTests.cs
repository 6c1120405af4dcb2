using HostMemd.Backend.Objects;
using HostMemd.Config;
using HostMemd.Events;
using HostMemd.Manual;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.Manual;

/// <summary>docs/man is what the tables say. To write it anew: HOSTMEMD_UPDATE_DOCS=1 dotnet test tests/unit --filter
/// ManualPageTests</summary>
public sealed class ManualPageTests
{
    static readonly Daemon s_daemon = new(new HostMemdOptions(), NullLoggerFactory.Instance);

    static string Write(string page) => page switch
    {
        "hostmemctl.1" => CtlPage.Write(),
        "hostmemd.8" => DaemonPage.Write(),
        "hostmemd.json.5" => ConfigPage.Write(),
        "hostmemd-qmp.7" => QmpPage.Write(s_daemon.Commands, BackendTypes.All, DaemonEvents.All),
        _ => throw new ArgumentOutOfRangeException(nameof(page)),
    };

    public static TheoryData<string> Pages => ["hostmemctl.1", "hostmemd.8", "hostmemd.json.5", "hostmemd-qmp.7"];

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Page_IsCurrent(string page)
    {
        var path = Path.Combine(Sources.Root, "docs", "man", page);
        var written = Write(page);
        if (Environment.GetEnvironmentVariable("HOSTMEMD_UPDATE_DOCS") == "1")
            await File.WriteAllTextAsync(path, written);
        Assert.Equal(File.Exists(path) ? await File.ReadAllTextAsync(path) : "", written);
    }

    [Fact]
    public void QmpPage_NamesEverythingThatIsDeclared()
    {
        var written = Write("hostmemd-qmp.7");
        Assert.All(s_daemon.Commands.All.Where(c => c.Topic is not null), c =>
            Assert.Contains($"\n.It Ic {Mdoc.Argument(c.Name)}\n", written, StringComparison.Ordinal));
        Assert.All(DaemonEvents.All, e => Assert.Contains($"\n.It Dv {Mdoc.Argument(e.Name)}\n", written, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a-b", "a\\-b")]
    [InlineData("[", "\\&[")]
    [InlineData("two words", "\"two words\"")]
    [InlineData("ID", "\\&ID")]
    [InlineData("back\\slash", "back\\eslash")]
    [InlineData("", "\"\"")]
    public void Argument_IsNoMacro(string word, string written) => Assert.Equal(written, Mdoc.Argument(word));

    [Fact]
    public void Text_HasASentenceALine_AndNoMacro()
    {
        var page = new Mdoc("x", 1, "y");
        page.Text(".Pp is a macro. So is 'br, e.g. here. It ends");
        Assert.EndsWith("\n\\&.Pp is a macro.\nSo is \\(aqbr, e.g. here.\nIt ends\n", page.ToString(), StringComparison.Ordinal);
    }
}
