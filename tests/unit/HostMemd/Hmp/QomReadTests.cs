namespace HostMemd.Unit.HostMemd.Hmp;

/// <summary>Reading the tree. The expectations are QEMU 11.1's.</summary>
public class QomReadTests
{
    const string H0 = "object_add memory-backend-ram,id=h0,size=1M";

    [Theory]
    [InlineData("qom-get h0 size", "1048576\r\n")]
    [InlineData("qom-get h0 merge", "true\r\n")]
    [InlineData("qom-get h0 policy", "\"default\"\r\n")]
    [InlineData("qom-get h0 host-nodes", "[\r\n]\r\n")]
    [InlineData("qom-get h0 type", "\"memory-backend-ram\"\r\n")]
    [InlineData("qom-get h0 h0[0]", "\"/objects/h0/h0[0]\"\r\n")]
    [InlineData("qom-get h0 prealloc-context", "\"\"\r\n")]
    [InlineData("qom-get h0/h0[0] size", "1048576\r\n")]
    [InlineData("qom-get / type", "\"container\"\r\n")]
    [InlineData("qom-get /objects/ type", "\"container\"\r\n")]
    [InlineData("qom-get objects h0", "\"/objects/h0\"\r\n")]
    [InlineData("qom-get / nope", "Error: Property 'container.nope' not found\r\n")]
    [InlineData("qom-get /nope nope", "Error: Device '/nope' not found\r\n")]
    [InlineData("qom-get h0 nope", "Error: Property 'memory-backend-ram.nope' not found\r\n")]
    public async Task Property_IsPrintedAsPrettyJson(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(H0, line));

    [Theory]
    [InlineData("qom-list", "/\r\n")]
    [InlineData("qom-list nope", "Error: Device 'nope' not found\r\n")]
    [InlineData("qom-list /nope", "Error: Device '/nope' not found\r\n")]
    [InlineData("qom-list \"\"", "Error: Path '' is ambiguous\r\n")]
    [InlineData("info qom-tree h0", "/h0 (memory-backend-ram)\r\n  /h0[0] (memory-region)\r\n")]
    [InlineData("info qom-tree /objects/h0", "/h0 (memory-backend-ram)\r\n  /h0[0] (memory-region)\r\n")]
    [InlineData("info qom-tree //objects//h0/", "/h0 (memory-backend-ram)\r\n  /h0[0] (memory-region)\r\n")]
    [InlineData("info qom-tree h0[0]", "/h0[0] (memory-region)\r\n")]
    [InlineData("info qom-tree /nope", "Path '/nope' could not be resolved.\r\n")]
    [InlineData("info qom-tree \"\"", "Path '' could not be resolved.\r\n")]
    [InlineData("info qom-tree \u00E9", "Path '\u00E9' could not be resolved.\r\n")]
    public async Task Path_IsResolved(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(H0, line));

    [Fact]
    public async Task QomList_EndsWithTheChildren()
    {
        var listed = await new TestMonitor().RunAsync(H0, "qom-list h0");
        Assert.StartsWith("type (string)\r\n", listed, StringComparison.Ordinal);
        Assert.Contains("\r\nprealloc-context (link<thread-context>)\r\n", listed, StringComparison.Ordinal);
        Assert.EndsWith("\r\nh0[0] (child<memory-region>)\r\n", listed, StringComparison.Ordinal);
    }
}
