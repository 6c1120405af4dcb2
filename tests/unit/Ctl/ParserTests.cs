using HostMemd.Ctl;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Verbs;

namespace HostMemd.Unit.Ctl;

/// <summary>What the user types, and what is said of what is wrong in it.</summary>
public sealed class ParserTests
{
    static OptionRow Option(string verb, string name) => VerbTable.All.Single(v => v.Name == verb).Options.Single(o => o.Name == name);

    static string? Value(ParsedLine line, string name) => line.Values.Single(v => v.Key.Name == name).Value;

    static CtlException Refused(string line) => Assert.Throws<CtlException>(() => Parser.Parse(Parser.Split(line)));

    [Theory]
    [InlineData("-s /tmp/x list")]
    [InlineData("list -s /tmp/x")]
    [InlineData("list --socket /tmp/x")]
    [InlineData("ls --socket=/tmp/x")]
    [InlineData("list -s /tmp/y -s /tmp/x")]
    public void GlobalOption_StandsAnywhere_AndTheLastCounts(string line)
    {
        var parsed = Parser.Parse(Parser.Split(line));
        Assert.Equal(("list", "/tmp/x"), (parsed.Verb?.Name, Value(parsed, "socket")));
    }

    [Fact]
    public void SocketOfAnAbstractName_IsNoFileOfArguments() =>
        Assert.Equal("@name", Value(Parser.Parse(["-s", "@name", "list"]), "socket"));

    [Theory]
    [InlineData("add vm1 memfd --fill 4G", "default")]
    [InlineData("add vm1 memfd 4G --fill=3", "3")]
    public void OptionalValue_IsJoined(string line, string value)
    {
        var parsed = Parser.Parse(Parser.Split(line));
        Assert.Equal(["vm1", "memfd", "4G"], parsed.Words);
        Assert.Equal(value, parsed.Values[Option("add", "fill")]);
    }

    [Fact]
    public void WhatStandsBehindTheHyphens_IsTheCommands()
    {
        var parsed = Parser.Parse(["run", "vm1", "-r", "--", "qemu", "-m", "1G", "--help", "--", "x"]);
        Assert.Equal(["vm1", "qemu", "-m", "1G", "--help", "--", "x"], parsed.Words);
        Assert.Equal(6, parsed.Behind);
        Assert.DoesNotContain(GlobalOptions.Help, parsed.Values.Keys);
    }

    [Fact]
    public void LetterOfTop_IsItsOwn()
    {
        var top = Parser.Parse(["top", "-b"]);
        Assert.Equal(Option("top", "batch"), Assert.Single(top.Values.Keys));
        Assert.Equal(GlobalOptions.Bytes, Assert.Single(Parser.Parse(["list", "-b"]).Values.Keys));
    }

    [Theory]
    [InlineData("lits", "unknown verb 'lits'; did you mean 'list'?")]
    [InlineData("frobnicate", "unknown verb 'frobnicate'; 'hostmemctl --help' lists the verbs")]
    [InlineData("list --knid memfd", "unknown option '--knid'; did you mean '--kind'?")]
    [InlineData("list -x", "unknown option '-x'; 'hostmemctl list --help' lists the options")]
    [InlineData("--sokcet x", "unknown verb 'x'; 'hostmemctl --help' lists the verbs")]
    [InlineData("--sokcet", "unknown option '--sokcet'; did you mean '--socket'?")]
    [InlineData("list --kind", "option '--kind' needs a value: KIND")]
    [InlineData("list --bytes=3", "option '--bytes' takes no value")]
    [InlineData("run vm1 qemu -m 1G", "unknown option '-m'; the command and its options come behind '--'")]
    [InlineData("qmp -x", "unknown option '-x'; 'hostmemctl qmp --help' lists the options")]
    [InlineData("show", "show: ID is missing: hostmemctl show ID...")]
    [InlineData("add vm1", "add: KIND is missing: hostmemctl add [--fill[=THREADS]] [--hugetlb[=2M|1G]] [--nodes LIST] [--policy P] "
        + "[--path FILE] ID KIND [SIZE|KEY=VALUE...]")]
    [InlineData("limits now", "limits: one word too many: hostmemctl limits")]
    public void Mistake_IsOneLine(string line, string text)
    {
        var refused = Refused(line);
        Assert.Equal((ExitStatus.Usage, text), (refused.Status, refused.Message));
    }

    [Fact]
    public void NoVerb_IsNoMistakeOfTheParser() => Assert.Null(Parser.Parse([]).Verb);

    [Fact]
    public void Help_NeedsNoOperands() => Assert.Contains(GlobalOptions.Help, Parser.Parse(["show", "--help"]).Values.Keys);
}
