using HostMemd.Ctl.Screen;

namespace HostMemd.Unit.Ctl;

public sealed class TextTableTests
{
    sealed record Row(string Name, string Size, string Note);

    static readonly Column<Row>[] s_columns =
    [
        new("NAME", r => r.Name), new("SIZE", r => r.Size) { IsNumber = true, Dispensable = 1 }, new("NOTE", r => r.Note)
        { Dispensable = 2 },
    ];

    static readonly Row[] s_rows = [new("a", "1G", "x"), new("longer-name", "512M", "")];

    static (string Text, IReadOnlyList<string> Omitted) Written(
        IReadOnlyList<Row> rows, int? width = null, bool legend = true, bool colors = false)
    {
        var text = new StringWriter();
        var omitted = TextTable.Write(new Terminal { Out = text, Error = text, Width = () => width, HasColors = colors }, s_columns, rows,
            legend);
        return (text.ToString(), omitted);
    }

    [Fact]
    public void Columns_AreAsWideAsTheirCells_WithoutBlanksAtTheEnd() => Assert.Equal("""
        NAME         SIZE  NOTE
        a              1G  x
        longer-name  512M

        """, Written(s_rows).Text);

    [Fact]
    public void Legend_CanBeLeftOut() => Assert.Equal("a              1G  x\nlonger-name  512M\n", Written(s_rows, legend: false).Text);

    [Fact]
    public void NoRows_IsTheLegend() => Assert.Equal("NAME  SIZE  NOTE\n", Written([]).Text);

    [Fact]
    public void NarrowTerminal_LosesWhatMattersLeast()
    {
        var (text, omitted) = Written(s_rows, width: 20);
        Assert.Equal("NAME         SIZE\na              1G\nlonger-name  512M\n", text);
        Assert.Equal(["NOTE"], omitted);
        Assert.Equal(["NOTE", "SIZE"], Written(s_rows, width: 12).Omitted);
        Assert.Contains("longer-name", Written(s_rows, width: 3).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void ControlCharacters_DoNotReachTheTerminal() =>
        Assert.Equal("a?[31mb?c", TextTable.Plain("a\e[31mb\nc"));

    [Fact]
    public void Legend_IsBold_OnlyWithColors()
    {
        Assert.StartsWith("\e[1mNAME", Written(s_rows, colors: true).Text, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', Written(s_rows).Text);
    }
}
