using System.Text;
using HostMemd.Config;
using Serilog.Events;

namespace HostMemd.Unit.HostMemd.Config;

public class ConfigFileTests
{
    internal static HostMemdOptions Parse(string text) => ConfigFile.Parse("F", Encoding.UTF8.GetBytes(text));

    static string Refusal(string text) => Assert.Throws<StartException>(() => Parse(text)).Message;

    [Fact]
    public void EverySection_IsRead_CommentsAreNot()
    {
        var options = Parse("""
            { // a comment with "quotes
              /* and another */
              "Sockets": [ "/a//b", { "Path": "/c/*d*/", "Pretty": true }, "@e", { "Path": "f", "Abstract": true, "Tight": false } ],
              "Objects": [ "memory-backend-ram,id=a,size=1M", { "qom-type": "memory-backend-ram", "id": "b", "size": 1 } ],
              "Globals": [ "memory-backend.dump=off" ],
              "Machine": { "mem-merge": false, "DumpGuestCore": false, "smp": 3, "MemPrealloc": true },
              "Limits": { "Clients": 5, "BytesTotal": "16G" },
              "Access": { "AdminUids": [ 4, "root" ], "ObserverGids": [ "root" ], "SocketMode": "0660", "MemPaths": [ "/dev/shm" ] },
              "Serilog": { "MinimumLevel": { "Default": "warning", "Override": { "HostMemd.Protocol": "Debug" } } }
            }
            """);

        Assert.Equal([new("/a//b"), new SocketOptions("/c/*d*/", Pretty: true),
            new("e", IsAbstract: true), new("f", IsAbstract: true, IsTight: false)], options.Sockets);
        Assert.Equal(["F: Objects[0]", "F: Objects[1]"], options.Objects.Select(o => o.Origin));
        Assert.Equal((false, false, 3u, true),
            (options.Machine.MemMerge, options.Machine.DumpGuestCore, options.Machine.Cpus, options.Machine.MemPrealloc));
        Assert.Equal([new("memory-backend", "dump", "off")], options.Machine.Globals);
        Assert.Equal((5ul, 16ul << 30, 8ul), (options.Limits["Clients"], options.Limits["BytesTotal"], options.Limits["QueuedRequests"]));
        Assert.Subset(options.Access.AdminUids.ToHashSet(), new HashSet<uint> { 0, 4 });
        Assert.Equal([0u], options.Access.ObserverGids);
        Assert.Equal(0x1B0u, options.Access.SocketMode);
        Assert.Equal(["/dev/shm"], options.Access.MemPaths);
        Assert.Equal(LogEventLevel.Warning, options.Log.Default);
        Assert.Equal(LogEventLevel.Debug, options.Log.Areas["HostMemd.Protocol"]);
    }

    // Notepad and PowerShell write one before UTF-8 text.
    [Theory]
    [InlineData("{\"Machine\":{\"Smp\":3}}")]
    [InlineData("// a comment\n{\"Machine\":{\"Smp\":3}}")]
    public void ByteOrderMark_IsNoPartOfTheText(string text) => Assert.Equal(3u, Parse("\uFEFF" + text).Machine.Cpus);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void FileInUtf16_IsNamedAsSuch(bool bigEndian)
    {
        var encoding = new UnicodeEncoding(bigEndian, byteOrderMark: true);

        var refusal = Assert.Throws<StartException>(() => ConfigFile.Parse("F", [.. encoding.GetPreamble(), .. encoding.GetBytes("{}")]));

        Assert.Equal("F: is UTF-16, not UTF-8", refusal.Message);
    }

    // A byte that is no UTF-8 must not become U+FFFD, which would be another file.
    [Fact]
    public void BytesThatAreNoUtf8_AreRefused() =>
        Assert.StartsWith("F: ", Assert.Throws<StartException>(() =>
            ConfigFile.Parse("F", [.. "{\"Sockets\":[\"/run/"u8, 0xE9, .. "\"]}"u8])).Message, StringComparison.Ordinal);

    [Fact]
    public void EmptyFile_IsAllDefaults()
    {
        var options = Parse("{}");

        Assert.Empty(options.Sockets);
        Assert.Equal((uint)Environment.ProcessorCount, options.Machine.Cpus);
        Assert.All(LimitTable.All, limit => Assert.Equal(limit.Default, options.Limits[limit.Name]));
        Assert.Equal(0x180u, options.Access.SocketMode);
    }

    [Theory]
    [InlineData("{'Nope':1}", "F: Nope is unknown")]
    [InlineData("{'Limits':{'Nope':1}}", "F: Limits.Nope is unknown")]
    [InlineData("{'Sockets':[{'Path':'/a','Nope':1}]}", "F: Sockets[0].Nope is unknown")]
    [InlineData("{'Sockets':[{}]}", "F: Sockets[0].Path is missing")]
    [InlineData("{'Sockets':[{'Path':''}]}", "F: Sockets[0].Path is missing")]
    [InlineData("{'Sockets':[{'Path':'/a','Protocol':'http'}]}", "F: Sockets[0].Protocol is 'http', not one of qmp, jsonrpc")]
    [InlineData("{'Serilog':{'File':{'Bytes':'1M'}}}", "F: Serilog.File.Path is missing")]
    [InlineData("{'Sockets':[7]}", "F: Sockets[0] is neither a path nor an object")]
    [InlineData("{'Sockets':{}}", "F: Sockets is no list")]
    [InlineData("{'Objects':[7]}", "F: Objects[0] is neither a text nor an object")]
    [InlineData("{'Globals':['x']}", "F: Globals has 'x': not of the form TYPE.PROPERTY=VALUE")]
    [InlineData("{'Machine':{'Smp':0}}", "F: Machine.Smp is no number from 1 to 65536")]
    [InlineData("{'Machine':{'MemMerge':1}}", "F: Machine.MemMerge is neither true nor false")]
    [InlineData("{'Machine':{'MemMerge':true,'mem-merge':true}}", "F: Machine.mem-merge is there twice")]
    [InlineData("{'Limits':{'Clients':0}}", "F: Limits.Clients is no number from 1 to 1048576")]
    [InlineData("{'Limits':{'Clients':-1}}", "F: Limits.Clients is no number from 1 to 1048576")]
    [InlineData("{'Limits':7}", "F: Limits is no object")]
    [InlineData("{'Access':{'AdminUids':['nobody-of-that-name']}}",
        "F: Access.AdminUids has 'nobody-of-that-name', whom this system does not know")]
    [InlineData("{'Access':{'AdminUids':[-1]}}", "F: Access.AdminUids is -1, which is no id")]
    [InlineData("{'Access':{'SocketMode':660}}", "F: Access.SocketMode is no string")]
    [InlineData("{'Access':{'SocketMode':'0999'}}", "F: Access.SocketMode is '0999', not octal permission bits such as 0660")]
    [InlineData("{'Access':{'MemPaths':['here']}}", "F: Access.MemPaths has an entry that is no absolute path")]
    [InlineData("{'Serilog':{'WriteTo':[]}}", "F: Serilog.WriteTo is unknown")]
    [InlineData("[]", "F: is no JSON object")]
    [InlineData("", "F: Expecting a JSON value")]
    [InlineData("{'a':1} 2 3", "F: Expecting at most one JSON value")]
    [InlineData("{'a':\n nope}", "F: 2:2: JSON parse error, invalid keyword 'nope'")]
    [InlineData("{ /* never ended", "F: 1:17: JSON parse error, premature end of input")]
    public void WrongSetting_IsNamed(string text, string refusal) => Assert.Equal(refusal, Refusal(text));

    [Fact]
    public void WrongLevel_IsAnsweredWithTheLevels() =>
        Assert.StartsWith("F: Serilog.MinimumLevel.Default is '7', not one of Verbose, Debug",
            Refusal("{'Serilog':{'MinimumLevel':{'Default':'7'}}}"), StringComparison.Ordinal);

    [Fact]
    public void MissingFile_IsAnError() =>
        Assert.Equal("/no/such/file: No such file or directory",
            Assert.Throws<StartException>(() => ConfigFile.Read("/no/such/file")).Message);

    [Fact]
    public void Sample_IsRead()
    {
        var options = ConfigFile.Read(Path.Combine(Sources.Root, "deploy", "hostmemd.json"));

        Assert.All(LimitTable.All, limit => Assert.Equal(limit.Default, options.Limits[limit.Name]));
    }
}
