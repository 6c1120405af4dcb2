using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Verbs;

namespace HostMemd.Unit.Ctl;

/// <summary>What is offered at the end of an unfinished line. Names that the daemon has are tested beside it.</summary>
public sealed class CompleterTests
{
    static async Task<string[]> Offered(string line)
    {
        var text = new StringWriter();
        await Suggest.RunAsync($"[suggest:{line.Length}]", line, text);
        return [.. text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')[0])];
    }

    [Fact]
    public async Task Verbs_AreOffered_WithTheirMeaning()
    {
        Assert.Equal(VerbTable.Shown.Select(v => v.Name), await Offered("hostmemctl "));
        var text = new StringWriter();
        await Suggest.RunAsync("[suggest]", "hostmemctl fil", text);
        Assert.Equal("fill\tFill memory ahead of use.\n", text.ToString());
    }

    [Theory]
    [InlineData("hostmemctl add vm1 ", "memfd ram shm file thread-context")]
    [InlineData("hostmemctl add vm1 m", "memfd")]
    [InlineData("hostmemctl list --k", "--kind")]
    [InlineData("hostmemctl list --kind s", "shm")]
    [InlineData("hostmemctl -o ", "table wide json id")]
    [InlineData("hostmemctl list -o js", "json")]
    [InlineData("hostmemctl completion ", "bash zsh fish")]
    [InlineData("hostmemctl -s /x -q comp", "completion")]
    // An id is the user's to make up, a number too; and what comes behind "--" is another program's.
    [InlineData("hostmemctl add ", "")]
    [InlineData("hostmemctl fill -t ", "")]
    [InlineData("hostmemctl run vm1 -- qemu", "")]
    [InlineData("hostmemctl run vm1 -- -", "")]
    [InlineData("hostmemctl nosuch ", "")]
    public async Task Words_AreOffered_ByTheRows(string line, string words) => Assert.Equal(words, string.Join(' ', await Offered(line)));

    [Fact]
    public async Task Options_AreOffered_OnlyToAHyphen()
    {
        Assert.DoesNotContain(await Offered("hostmemctl list "), w => w.StartsWith('-'));
        Assert.Contains("--columns", await Offered("hostmemctl list -"));
        Assert.DoesNotContain("--columns", await Offered("hostmemctl fill -"));
    }

    [Fact]
    public async Task DaemonThatIsAway_OffersNothing() => Assert.Empty(await Offered("hostmemctl -s /no/such/socket show "));
}
