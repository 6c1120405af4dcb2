namespace HostMemd.Unit.HostMemd.Hmp;

/// <summary>The text form of <c>object_add</c> before its values are looked at. The expectations are QEMU 11.1's.</summary>
public class KeyValTests
{
    [Theory]
    [InlineData("object_add ,", "Error: Invalid parameter ''\r\n")]
    [InlineData("object_add =", "Error: Invalid parameter ''\r\n")]
    [InlineData("object_add =x", "Error: Invalid parameter ''\r\n")]
    [InlineData("object_add memory-backend-ram,,", "Error: Invalid parameter ''\r\n")]
    [InlineData("object_add memory-backend-ram,,id=h0", "Error: Invalid parameter ''\r\n")]
    [InlineData("object_add memory-backend-ram,id", "Error: Expected '=' after parameter 'id'\r\n")]
    [InlineData("object_add memory-backend-ram,id!", "Error: Invalid parameter 'id!'\r\n")]
    [InlineData("object_add memory-backend-ram,a.b", "Error: Expected '=' after parameter 'a.b'\r\n")]
    [InlineData("object_add id=h0,memory-backend-ram", "Error: Expected '=' after parameter 'memory-backend-ram'\r\n")]
    [InlineData("object_add help,foo", "Error: Expected '=' after parameter 'foo'\r\n")]
    [InlineData("object_add help,,x", "Error: Invalid parameter ''\r\n")]
    [InlineData("object_add memory-backend-ram,help,foo=1,=", "Error: Invalid parameter ''\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,merge", "Error: Expected '=' after parameter 'merge'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,helpx", "Error: Expected '=' after parameter 'helpx'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,?=1", "Error: Invalid parameter '?'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,0=1", "Error: Invalid parameter '0'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,0a=1", "Error: Invalid parameter '0a'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,1.a=1", "Error: Invalid parameter '1.a'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,_a=1", "Error: Invalid parameter '_a'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,-a=1", "Error: Invalid parameter '-a'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M, a=1", "Error: Invalid parameter ' a'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a b=1", "Error: Invalid parameter 'a b'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a!=1", "Error: Invalid parameter 'a!'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a.b!=1", "Error: Invalid parameter 'a.b!'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes.=0", "Error: Invalid parameter 'host-nodes.'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes..0=0", "Error: Invalid parameter 'host-nodes..0'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,.a=0", "Error: Invalid parameter '.a'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes.-1=0", "Error: Invalid parameter 'host-nodes.-1'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,__org=1", "Error: Invalid parameter '__org'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,__org_=1", "Error: Invalid parameter '__org_'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,__o!g.x_y=1", "Error: Invalid parameter '__o!g.x_y'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a=1,a.=2", "Error: Invalid parameter 'a.'\r\n")]
    public async Task Text_ThatIsNoKeyValueList_IsRefused(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(line));

    [Theory]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,size.x=1", "Error: Parameters 'size.*' used inconsistently\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a=1,a.b=2", "Error: Parameters 'a.*' used inconsistently\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a.b=1,a=2", "Error: Parameters 'a.*' used inconsistently\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a.b=1,a.b.c=2", "Error: Parameters 'a.b.*' used inconsistently\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a.b.c=1,a.b=2", "Error: Parameters 'a.b.*' used inconsistently\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a.0=1,a.b=2", "Error: Parameters 'a.*' used inconsistently\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a.b.0=1,a.b.x=2", "Error: Parameters 'a.b.*' used inconsistently\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes.0=0,host-nodes=0",
        "Error: Parameters 'host-nodes.*' used inconsistently\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes=0,host-nodes.0=0",
        "Error: Parameters 'host-nodes.*' used inconsistently\r\n")]
    public async Task Key_OfSeveralParts_MustFitTheOthers(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(line));

    [Theory]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes.1=0", "Error: Parameter 'host-nodes.0' missing\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes.0=0,host-nodes.2=0", "Error: Parameter 'host-nodes.1' missing\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes.99999999999999999999=0",
        "Error: Parameter 'host-nodes.0' missing\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a.b.1=1", "Error: Parameter 'a.b.0' missing\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a.1=1,b.2=2", "Error: Parameter 'a.0' missing\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,b.2=2,a.1=1", "Error: Parameter 'a.0' missing\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,c.a.1=1,c.0=2", "Error: Parameter 'c.a.0' missing\r\n")]
    public async Task List_WithAHole_IsRefused(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(line));

    [Theory]
    [InlineData("object_add x,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1",
        "Error: Parameter 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is too long\r\n")]
    [InlineData("object_add x,a.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1",
        "Error: Parameter fragment 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is too long\r\n")]
    [InlineData("object_add x,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b=1",
        "Error: Parameter fragment 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is too long\r\n")]
    [InlineData("object_add x,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1",
        "Error: Parameter 'qom-type' does not accept value 'x'\r\n")]
    public async Task Key_WithALongPart_IsRefused(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(line));

    [Theory]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,zz=1", "Error: Parameter 'zz' is unexpected\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,zz=1,yy=2,xx=3", "Error: Parameter 'yy' is unexpected\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a.b.c=1", "Error: Parameter 'a' is unexpected\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a_b=1", "Error: Parameter 'a_b' is unexpected\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,A=1", "Error: Parameter 'A' is unexpected\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,a-=1", "Error: Parameter 'a-' is unexpected\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,__org.qemu_x-y.z=1", "Error: Parameter '__org.qemu_x-y' is unexpected\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,help=1", "Error: Parameter 'help' is unexpected\r\n")]
    public async Task Member_Unknown_IsTheOneQemuNames(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(line));
}
