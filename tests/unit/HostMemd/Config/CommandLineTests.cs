using HostMemd.Config;


namespace HostMemd.Unit.HostMemd.Config;

public class CommandLineTests
{
    static HostMemdOptions Options(params string[] args) => CommandLine.Parse(args).ApplyTo(new());

    static string Refusal(params string[] args) => Assert.Throws<StartException>(() => Options(args)).Message;

    [Fact]
    public void Qmp_IsASocket_InEverySpelling()
    {
        var options = Options("--qmp", "unix:/a", "--qmp=unix:/b,server=on,wait=off",
            "--qmp", "unix:/c,server,nowait", "--qmp", "unix:/d,,e");

        Assert.Equal([new("/a"), new("/b"), new("/c"), new SocketOptions("/d,e")], options.Sockets);
        Assert.Equal(2, options.Warnings.Count);
    }

    [Fact]
    public void ChardevAndMonitor_AreASocket()
    {
        var options = Options("--chardev", "socket,id=qmp,path=/a,server=on,wait=off", "--monitor", "chardev=qmp,mode=control",
            "--chardev", "socket,id=p,path=/b", "--monitor", "p,pretty=on");

        Assert.Equal([new("/a"), new SocketOptions("/b", Pretty: true)], options.Sockets);
    }

    [Fact]
    public void AbstractSockets_AreQemusOrBeginWithAnAt()
    {
        var options = Options("--qmp", "unix:a,abstract=on", "--qmp", "unix:b,abstract=on,tight=off", "--qmp", "unix:@c",
            "--qmp", "unix:@d,abstract=on", "--qmp", "unix:@e,abstract=off", "--qmp", "unix:./@f",
            "--qmp", "unix:g,tight=off", "--qmp", "unix:@", "--chardev", "socket,id=h,path=h,abstract=on", "--monitor", "h");

        Assert.Equal([new("a", IsAbstract: true), new("b", IsAbstract: true, IsTight: false), new("c", IsAbstract: true),
            new("@d", IsAbstract: true), new("@e"), new("./@f"), new("g", IsTight: false), new("@"),
            new SocketOptions("h", IsAbstract: true)], options.Sockets);
    }

    // The texts are those of qemu-storage-daemon 7.2 behind its name.
    [Theory]
    [InlineData("unrecognized option '--bogus'", "--bogus")]
    [InlineData("extra: Unexpected argument", "extra")]
    [InlineData("extra: Unexpected argument", "--", "extra")]
    [InlineData("option '--object' requires an argument", "--object")]
    [InlineData("option '--daemonize' doesn't allow an argument", "--daemonize=1")]
    [InlineData("invalid option -- 'x'", "-x")]
    [InlineData("unrecognized option '--bogus'", "--object", "help", "--bogus")]
    [InlineData("--monitor chardev=d: chardev \"d\" not found", "--monitor", "chardev=d")]
    [InlineData("--monitor mode=control: Parameter 'chardev' is missing", "--monitor", "mode=control")]
    [InlineData("--monitor chardev=c,mode=foo: Parameter 'mode' does not accept value 'foo'", "--monitor", "chardev=c,mode=foo")]
    [InlineData("--monitor c,pretty=maybe: Parameter 'pretty' expects 'on' or 'off'", "--monitor", "c,pretty=maybe")]
    [InlineData("--chardev nope,id=c: 'nope' is not a valid char driver name", "--chardev", "nope,id=c")]
    [InlineData("--chardev socket,path=x: chardev: no id specified", "--chardev", "socket,path=x")]
    [InlineData("--chardev socket,id=1c,path=x: Parameter 'id' expects an identifier", "--chardev", "socket,id=1c,path=x")]
    [InlineData("--chardev socket,id=c,path=x,bogus=1: Invalid parameter 'bogus'", "--chardev", "socket,id=c,path=x,bogus=1")]
    [InlineData("--chardev socket,id=c,path=x,server=maybe: Parameter 'server' expects 'on' or 'off'",
        "--chardev", "socket,id=c,path=x,server=maybe")]
    public void WrongLine_IsRefusedInQemusWords(string text, params string[] args) => Assert.Equal(text, Refusal(args));

    [Theory]
    [InlineData("--qmp", "tcp:1")]
    [InlineData("--qmp", "unix:")]
    [InlineData("--qmp", "unix:x,server=off")]
    [InlineData("--qmp", "unix:x,wait=on")]
    [InlineData("--smp", "0")]
    [InlineData("--smp", "-1")]
    [InlineData("--smp", "65537")]
    [InlineData("--global", "a.b")]
    [InlineData("--global", ".b=c")]
    [InlineData("--global", "a.=c")]
    [InlineData("--machine", "mem-merge=1")]
    [InlineData("--machine", "type=none")]
    [InlineData("--object", "{")]
    [InlineData("--object", "")]
    [InlineData("--pidfile", "")]
    [InlineData("--chardev", "socket,id=c,path=x")]
    public void WrongArgument_IsRefused_AndNamed(string option, string argument) =>
        Assert.StartsWith($"{option} {argument}: ", Refusal(option, argument), StringComparison.Ordinal);

    [Fact]
    public void Name_MayBeCutShort_WhileItIsUnambiguous()
    {
        Assert.Equal(3u, Options("--sm", "3").Machine.Cpus);
        Assert.Contains("ambiguous", Refusal("--m", "x"), StringComparison.Ordinal);
    }

    [Fact]
    public void Objects_KeepTheirOrder()
    {
        var options = Options("--object", "memory-backend-ram,id=a", "--object={'id':'b'}", "--object", "x,id=c");

        Assert.Equal(["memory-backend-ram,id=a", null, "x,id=c"], options.Objects.Select(o => o.Text));
        Assert.True(options.Objects[1].Json.TryObject(out _));
    }

    [Fact]
    public void MachineSwitches_ArriveInTheDefaults()
    {
        var machine = Options("--machine", "mem-merge=off", "--machine", "dump-guest-core=off", "--smp", "cpus=7", "--mem-prealloc",
            "--global", "memory-backend.share=on", "--global", "a.b=c=d").Machine;

        Assert.Equal((false, false, 7u, true), (machine.MemMerge, machine.DumpGuestCore, machine.Cpus, machine.MemPrealloc));
        Assert.Equal([new("memory-backend", "share", "on"), new("a", "b", "c=d")], machine.Globals);
    }

    [Fact]
    public void CommandLine_WinsOverTheFile_AndAddsToItsObjects()
    {
        var file = ConfigFileTests.Parse("""
            {'Sockets':['/f'],'Objects':['x,id=f'],'Globals':['a.b=f'],'Machine':{'MemMerge':false,'Smp':5}}
            """);

        var line = CommandLine.Parse(["--qmp", "unix:/l", "--object", "x,id=l", "--global", "a.b=l", "--machine", "mem-merge=on"]);
        var options = line.ApplyTo(file);

        Assert.Equal([new SocketOptions("/l")], options.Sockets);
        Assert.Equal(["x,id=f", "x,id=l"], options.Objects.Select(o => o.Text));
        Assert.Equal(["f", "l"], options.Machine.Globals.Select(g => g.Text));
        Assert.Equal((true, 5u), (options.Machine.MemMerge, options.Machine.Cpus));
    }

    [Theory]
    [InlineData("--help", "--mem-prealloc")]
    [InlineData("-h", "-V, --version")]
    [InlineData("-V", "hostmemd version ")]
    [InlineData("--version", "hostmemd version ")]
    public void Questions_AreAnswered(string option, string part) =>
        Assert.Contains(part, CommandLine.Parse([option]).Answer!(), StringComparison.Ordinal);

    [Fact]
    public void ObjectHelp_IsForTypesAndProperties()
    {
        Assert.Contains("memory-backend-ram", CommandLine.Parse(["--object", "help"]).Answer!(), StringComparison.Ordinal);
        Assert.Contains("hugetlb=", CommandLine.Parse(["--object", "memory-backend-memfd,id=a,help"]).Answer!(), StringComparison.Ordinal);
        Assert.Throws<StartException>(() => CommandLine.Parse(["--object", "nope,help"]).Answer!());
    }
}
