namespace HostMemd.Unit.HostMemd.Hmp;

/// <summary>What <c>object_add</c> makes of its members. The expectations are QEMU 11.1's.</summary>
public class ObjectAddTests
{
    const string H0 = "object_add memory-backend-ram,id=h0,size=1M";

    [Theory]
    [InlineData("object_add a=b", "Error: Parameter 'qom-type' is missing\r\n")]
    [InlineData("object_add qom-type.x=y", "Error: Parameters 'qom-type.*' are unexpected\r\n")]
    [InlineData("object_add foo,merge=x", "Error: Parameter 'qom-type' does not accept value 'foo'\r\n")]
    [InlineData("object_add memory-backend-ram", "Error: Parameter 'id' is missing\r\n")]
    [InlineData("object_add memory-backend-ram,merge=x", "Error: Parameter 'id' is missing\r\n")]
    [InlineData("object_add memory-backend-ram,id.x=h0", "Error: Parameters 'id.*' are unexpected\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,share=y,merge=x", "Error: Parameter 'merge' expects 'on' or 'off'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,policy=nope,share=y", "Error: Parameter 'policy' does not accept value 'nope'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,zz=1", "Error: Parameter 'size' is missing\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=x,zz=1", "Error: Parameter 'size' expects size\r\n")]
    [InlineData("object_add memory-backend-ram,qom-type=x", "Error: Parameter 'qom-type' does not accept value 'x'\r\n")]
    [InlineData("object_add memory-backend-file,id=h0,size=1M", "Error: Parameter 'mem-path' is missing\r\n")]
    [InlineData("object_add memory-backend-file,id=h0,size=1M,mem-path=/tmp,rom=nope",
        "Error: Parameter 'rom' does not accept value 'nope'\r\n")]
    public async Task Members_AreCheckedInTheOrderOfTheTable(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(line));

    [Theory]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,merge=1", "Error: Parameter 'merge' expects 'on' or 'off'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,merge=ON", "Error: Parameter 'merge' expects 'on' or 'off'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,merge=", "Error: Parameter 'merge' expects 'on' or 'off'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,merge.x=on", "Error: Parameters 'merge.*' are unexpected\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,merge.0=on", "Error: Parameters 'merge.*' are unexpected\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,policy=", "Error: Parameter 'policy' does not accept value ''\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,policy.x=1", "Error: Parameters 'policy.*' are unexpected\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,prealloc-context.x=1",
        "Error: Parameters 'prealloc-context.*' are unexpected\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes=0",
        "Error: Invalid parameter type for 'host-nodes', expected: array\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes=",
        "Error: Invalid parameter type for 'host-nodes', expected: array\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes.x=0",
        "Error: Invalid parameter type for 'host-nodes', expected: array\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes.0.0=0", "Error: Parameters 'host-nodes.0.*' are unexpected\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes.0=x", "Error: Parameter 'host-nodes.0' expects integer\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes.0=0-1", "Error: Parameter 'host-nodes.0' expects integer\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes.0=-1", "Error: Parameter 'null' expects uint16_t\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes.0=65536", "Error: Parameter 'null' expects uint16_t\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes.0=128", "Error: Invalid host-nodes value: 128\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,host-nodes.1=0,host-nodes.0=x",
        "Error: Parameter 'host-nodes.0' expects integer\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,prealloc-threads=x",
        "Error: Parameter 'prealloc-threads' expects integer\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,prealloc-threads=", "Error: Parameter 'prealloc-threads' expects integer\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,prealloc-threads=1k",
        "Error: Parameter 'prealloc-threads' expects integer\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,prealloc-threads=0",
        "Error: property 'prealloc-threads' of memory-backend-ram doesn't take value '0'\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,prealloc-threads=-1",
        "Error: Parameter 'prealloc-threads' expects uint32_t\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,prealloc-threads=4294967296",
        "Error: Parameter 'prealloc-threads' expects uint32_t\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,prealloc-threads=18446744073709551616",
        "Error: Parameter 'prealloc-threads' expects integer\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,prealloc-threads=08",
        "Error: Parameter 'prealloc-threads' expects integer\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,prealloc-threads=0x",
        "Error: Parameter 'prealloc-threads' expects integer\r\n")]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M,prealloc-context=x", "Error: Device 'x' not found\r\n")]
    public async Task Value_OfTheWrongKind_IsRefused(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(line));

    [Theory]
    [InlineData("object_add memory-backend-ram,size=0,id=9",
        "Error: Parameter 'id' expects an identifier\r\n"
        + "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.\r\n")]
    [InlineData("object_add memory-backend-ram,size=0,id=",
        "Error: Parameter 'id' expects an identifier\r\n"
        + "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.\r\n")]
    [InlineData("object_add memory-backend-ram,size=0,id=a b",
        "Error: Parameter 'id' expects an identifier\r\n"
        + "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.\r\n")]
    [InlineData("object_add memory-backend-ram,size=0,id=a,,b",
        "Error: Parameter 'id' expects an identifier\r\n"
        + "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.\r\n")]
    public async Task Id_ThatIsNone_IsExplained(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(line));

    [Theory]
    [InlineData("object_add memory-backend-ram,id=h0,size=1M",
        "Error: attempt to add duplicate property 'h0' to object (type 'container')\r\n")]
    [InlineData("object_del h1", "Error: object 'h1' not found\r\n")]
    public async Task Id_ThatIsTaken_IsRefused(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(H0, line));

    [Theory]
    [InlineData("object_add {", "Error: 1:2: JSON parse error, premature end of input\r\n")]
    [InlineData("object_add {}", "Error: Parameter 'qom-type' is missing\r\n")]
    [InlineData("object_add {,}", "Error: 1:2: JSON parse error, expecting key\r\n")]
    [InlineData("object_add {\"a\" 1}", "Error: 1:6: JSON parse error, expecting ':'\r\n")]
    [InlineData("object_add {\"a\":1,\"a\":2}", "Error: 1:12: JSON parse error, duplicate key\r\n")]
    [InlineData("object_add {} {}", "Error: Expecting at most one JSON value\r\n")]
    [InlineData("object_add {}}", "Error: Expecting at most one JSON value\r\n")]
    [InlineData("object_add {\"a\":", "Error: 1:6: JSON parse error, premature end of input\r\n")]
    [InlineData("object_add {\"qom-type\":1}", "Error: Invalid parameter type for 'qom-type', expected: string\r\n")]
    [InlineData("object_add {\"qom-type\":\"nope\"}", "Error: Parameter 'qom-type' does not accept value 'nope'\r\n")]
    [InlineData("object_add {\"qom-type\":\"memory-backend-ram\",\"id\":\"h0\",\"size\":\"1M\"}",
        "Error: Parameter 'size' expects uint64\r\n")]
    [InlineData("object_add {\"qom-type\":\"memory-backend-ram\",\"id\":\"h0\",\"size\":4096,\"zz\":1}",
        "Error: Parameter 'zz' is unexpected\r\n")]
    [InlineData("object_add {\"qom-type\":\"memory-backend-ram\",\"id\":\"9\",\"size\":4096}",
        "Error: Parameter 'id' expects an identifier\r\n"
        + "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.\r\n")]
    [InlineData("object_add {'qom-type':'memory-backend-ram','id':'h0','size':4096} ", "")]
    [InlineData("object_add [1]", "Error: Parameter 'qom-type' does not accept value '[1]'\r\n")]
    public async Task Json_IsTakenToo(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(line));
}
