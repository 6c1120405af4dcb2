using HostMemd.Config;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.HostMemd.Config;

public class OptsTextTests
{
    static readonly QapiUnion s_types = new Daemon(new(), NullLoggerFactory.Instance).ObjectOptions;

    static Members Read(string text) =>
        OptsText.ToArguments(text, s_types).TryObject(out var members) ? members : throw new InvalidOperationException();

    [Fact]
    public void Split_TakesTheFirstWordAsAText_AndLaterOnesAsFlags() =>
        Assert.Equal([new("type", "a", false), new("k", "v=w", false), new("flag", "on", true),
            new("flag", "off", true), new("e", "", false)],
            OptsText.Split("a,k=v=w,flag,noflag,e=", "type"));

    [Fact]
    public void Split_TakesDoubledCommasAsOne() =>
        Assert.Equal([new("type", "a,b", false), new("k", ",c,", false), new("l", "d", false)], OptsText.Split("a,,b,k=,,c,,,l=d", "type"));

    [Theory]
    [InlineData("size=4096", 4096)]
    [InlineData("size=0x1000", 4096)]
    [InlineData("size=4k", 4096)]
    [InlineData("size=1.5M", 1572864)]
    [InlineData("size=1M,size=2M", 2097152)]
    public void Size_IsRead_AndTheLastOneWins(string text, long bytes) =>
        Assert.Equal(Value.From(bytes), Read("memory-backend-ram,id=a," + text)["size"]);

    [Theory]
    [InlineData("host-nodes=2", 2)]
    [InlineData("host-nodes=0-3", 0, 1, 2, 3)]
    [InlineData("host-nodes=0,host-nodes=4-5", 0, 4, 5)]
    public void HostNodes_AreNumbersAndRanges(string text, params int[] nodes) =>
        Assert.Equal(Value.From([.. nodes.Select(n => Value.From(n))]), Read("memory-backend-ram,id=a,size=1M," + text)["host-nodes"]);

    [Theory]
    [InlineData("prealloc=yes", true)]
    [InlineData("prealloc", true)]
    [InlineData("prealloc=off", false)]
    [InlineData("noprealloc", false)]
    public void Flags_AreRead(string text, bool value) =>
        Assert.Equal(Value.From(value), Read("memory-backend-ram,id=a,size=1M," + text)["prealloc"]);

    // What qemu-system-x86_64 7.2 says after "-object TEXT: ".
    [Theory]
    [InlineData("id=a", "Parameter 'qom-type' is missing")]
    [InlineData("memory-backend-ram", "Parameter 'id' is missing")]
    [InlineData("memory-backend-ram,id=a", "Parameter 'size' is missing")]
    [InlineData("nope,id=a", "Parameter 'qom-type' does not accept value 'nope'")]
    [InlineData("memory-backend-ram,,id=a,size=1M", "Parameter 'qom-type' does not accept value 'memory-backend-ram,id=a'")]
    [InlineData("memory-backend-ram,id=1a", "Parameter 'id' expects an identifier")]
    [InlineData("memory-backend-ram,id=1a,id=a,size=1M", "Parameter 'id' expects an identifier")]
    [InlineData("memory-backend-ram,id=a,,size=1M", "Parameter 'id' expects an identifier")]
    [InlineData("memory-backend-ram,id=a,size=1.5", "Parameter 'size' expects a size value")]
    [InlineData("memory-backend-ram,id=a,size=1M=2", "Parameter 'size' expects a size value")]
    [InlineData("memory-backend-ram,id=a,size=1M,prealloc=1", "Parameter 'prealloc' expects 'on' or 'off'")]
    [InlineData("memory-backend-ram,id=a,size=x,prealloc=3,dump=2", "Parameter 'dump' expects 'on' or 'off'")]
    [InlineData("memory-backend-ram,id=a,size=1M,policy=foo", "Parameter 'policy' does not accept value 'foo'")]
    [InlineData("memory-backend-ram,id=a,size=1M,prealloc-threads=-1", "Parameter 'prealloc-threads' expects a uint64 value")]
    [InlineData("memory-backend-ram,id=a,size=1M,host-nodes=0-2-3", "Parameter 'host-nodes' expects a uint64 value or range")]
    [InlineData("memory-backend-ram,id=a,size=1M,host-nodes=3-1", "Parameter 'host-nodes' expects a uint64 value or range")]
    [InlineData("memory-backend-ram,id=a,size=1M,host-nodes=-1", "Parameter 'host-nodes' expects a uint64 value or range")]
    [InlineData("memory-backend-ram,id=a,size=1M,host-nodes=", "Parameter 'host-nodes' expects a uint64 value or range")]
    [InlineData("memory-backend-ram,id=a,size=1M,host-nodes.0=0,host-nodes.1=0", "Invalid parameter 'host-nodes.1'")]
    [InlineData("memory-backend-ram,id=a,size=1M,x=1,y=2,a=3", "Invalid parameter 'y'")]
    [InlineData("memory-backend-ram,id=a,size=1M,nofoo", "Invalid parameter 'foo'")]
    [InlineData("memory-backend-ram,id=a,x=1", "Parameter 'size' is missing")]
    [InlineData("memory-backend-memfd,id=a,hugetlb=3", "Parameter 'size' is missing")]
    public void WrongText_IsRefusedInQemusWords(string text, string refusal) =>
        Assert.Equal(refusal, Assert.Throws<QmpException>(() => Read(text)).Message);
}
