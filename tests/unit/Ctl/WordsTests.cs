using System.Text;
using HostMemd.Ctl;
using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Reach;
using HostMemd.Ctl.Verbs;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Unit.Ctl;

/// <summary>Patterns, similar words, properties as text, and what is put into the command of run.</summary>
public sealed class WordsTests
{
    [Theory]
    [InlineData("vm*", "vm1", true)]
    [InlineData("*", "", true)]
    [InlineData("vm?", "vm12", false)]
    [InlineData("*-db*", "vm-db01", true)]
    [InlineData("v*1*", "vm-web", false)]
    [InlineData("vm1", "vm1", true)]
    [InlineData("vm1", "vm", false)]
    public void Glob_Fits(string pattern, string name, bool fits) => Assert.Equal(fits, Glob.Fits(pattern, name));

    [Theory]
    [InlineData("lits", "list")]
    [InlineData("lsit", "list")]
    [InlineData("fil", "fill")]
    [InlineData("zzzz", null)]
    [InlineData("l", null)]
    public void Similar_IsNear(string word, string? meant) => Assert.Equal(meant, Similar.To(word, ["list", "fill", "show"]));

    [Theory]
    [InlineData("share", "bool", "on", "on")]
    [InlineData("share", "bool", "no", "off")]
    [InlineData("size", "size", "1G", "1073741824")]
    [InlineData("host-nodes", "int", "0-2,5", "0-2,5")]
    [InlineData("host-nodes", "int", "", "")]
    [InlineData("mem-path", "string", "/dev/shm/x", "/dev/shm/x")]
    [InlineData("policy", "HostMemPolicy", "bind", "bind")]
    [InlineData("mem-path", "string", "7", "7")]
    public void Property_GoesBothWays(string name, string type, string text, string written)
    {
        var property = new Property(name, type, null);
        Assert.Equal(written, property.Write(property.Read(text)));
    }

    [Theory]
    [InlineData("share", "bool", "maybe", "property 'share' is on or off, not 'maybe'")]
    [InlineData("size", "size", "much", "property 'size' is a number, or one with K, M, G or T, not 'much'")]
    [InlineData("host-nodes", "int", "zero", "property 'host-nodes' is a list such as 0-3,8, not 'zero'")]
    public void Property_SaysWhatItTakes(string name, string type, string text, string refusal) =>
        Assert.Equal(refusal, Assert.Throws<CtlException>(() => new Property(name, type, null).Read(text)).Message);

    [Fact]
    public void Qmp_TakesJson_AndWords()
    {
        Assert.Equal(Value.Object(("a", Value.From(1))), Value.From(QmpVerb.Arguments(["{\"a\": 1}"])));
        Assert.Equal(Value.Object(("id", Value.From("vm1")), ("size", Value.From(4096)), ("share", Value.From(true)), ("x",
            Value.From("4G"))),
            Value.From(QmpVerb.Arguments(["id=vm1", "size=4096", "share=true", "x=4G"])));
        Assert.Equal("'vm1' is not of the form KEY=VALUE", Assert.Throws<CtlException>(() => QmpVerb.Arguments(["vm1"])).Message);
    }

    [Fact]
    public void Run_PutsTheMemoryIn_AndKeepsBytesThatAreNoText()
    {
        var memory = new MemdevMapped { Size = 4096, Offset = 8192 };
        byte[][] own = [[.. "hostmemctl"u8], [.. "run"u8], [.. "cat"u8], [(byte)'{', .. "path}"u8, 0xFF]];
        var arguments = RunVerb.Arguments(["cat", "{path}\uFFFD"], memory, 7, own);
        Assert.Equal("cat", Encoding.UTF8.GetString(arguments[0]));
        Assert.Equal([.. "/proc/self/fd/7"u8, 0xFF], arguments[1]);
        Assert.Equal("7:4096:8192", Encoding.UTF8.GetString(RunVerb.Arguments(["{fd}:{size}:{offset}"], memory, 7, [])[0]));
    }

    [Theory]
    [InlineData("/named", "/told", 0, "/named")]
    [InlineData(null, "/told", 0, "/told")]
    [InlineData(null, null, 0, "/run/hostmemd/qmp.sock")]
    [InlineData(null, null, 13, "/run/hostmemd/qmp.sock")]
    [InlineData(null, null, 2, "/user/hostmemd/qmp.sock")]
    public void Socket_IsTheFirstThatIsThere(string? named, string? told, int system, string path) =>
        Assert.Equal(path, DaemonSocket.Path(named,
        name => name == DaemonSocket.Variable ? told : "/user", at => at == DaemonSocket.OfTheSystem ? new Errno(system) : Errno.None));

    [Fact]
    public void Ssh_QuotesThePathForTheOtherShell()
    {
        Assert.Equal(["-xT", "--", "u@h", "hostmemctl bridge"], SshConnection.Arguments("u@h", null));
        Assert.Equal(@"hostmemctl -s '/a'\''b c' bridge", SshConnection.Arguments("h", "/a'b c")[^1]);
    }
}
