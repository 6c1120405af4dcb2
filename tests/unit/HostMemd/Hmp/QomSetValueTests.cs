namespace HostMemd.Unit.HostMemd.Hmp;

/// <summary>Text and JSON that <c>qom-set</c> takes, as read back. The expectations are QEMU 11.1's.</summary>
public class QomSetValueTests
{
    const string H0 = "object_add memory-backend-ram,id=h0,size=1M";

    [Theory]
    [InlineData("qom-set h0 merge off", "qom-get h0 merge", "false\r\n")]
    [InlineData("qom-set h0 merge no", "qom-get h0 merge", "false\r\n")]
    [InlineData("qom-set h0 merge n", "qom-get h0 merge", "false\r\n")]
    [InlineData("qom-set h0 merge false", "qom-get h0 merge", "false\r\n")]
    [InlineData("qom-set h0 dump on", "qom-get h0 dump", "true\r\n")]
    [InlineData("qom-set h0 dump yes", "qom-get h0 dump", "true\r\n")]
    [InlineData("qom-set h0 dump y", "qom-get h0 dump", "true\r\n")]
    [InlineData("qom-set h0 dump true", "qom-get h0 dump", "true\r\n")]
    [InlineData("qom-set h0 prealloc-threads 5", "qom-get h0 prealloc-threads", "5\r\n")]
    [InlineData("qom-set h0 prealloc-threads +5", "qom-get h0 prealloc-threads", "5\r\n")]
    [InlineData("qom-set h0 prealloc-threads 0x10", "qom-get h0 prealloc-threads", "16\r\n")]
    [InlineData("qom-set h0 prealloc-threads 010", "qom-get h0 prealloc-threads", "8\r\n")]
    [InlineData("qom-set h0 prealloc-threads 0b11", "qom-get h0 prealloc-threads", "3\r\n")]
    [InlineData("qom-set h0 prealloc-threads \t7", "qom-get h0 prealloc-threads", "7\r\n")]
    [InlineData("qom-set h0 prealloc-threads 4294967295", "qom-get h0 prealloc-threads", "4294967295\r\n")]
    [InlineData("qom-set h0 prealloc-threads -18446744069414584325", "qom-get h0 prealloc-threads", "4294967291\r\n")]
    [InlineData("qom-set h0 host-nodes 0", "qom-get h0 host-nodes", "[\r\n    0\r\n]\r\n")]
    [InlineData("qom-set h0 host-nodes 1,", "qom-get h0 host-nodes", "[\r\n    1\r\n]\r\n")]
    [InlineData("qom-set h0 host-nodes 0-2", "qom-get h0 host-nodes", "[\r\n    0,\r\n    1,\r\n    2\r\n]\r\n")]
    [InlineData("qom-set h0 host-nodes 5,3", "qom-get h0 host-nodes", "[\r\n    3,\r\n    5\r\n]\r\n")]
    [InlineData("qom-set h0 host-nodes 0, 1", "qom-get h0 host-nodes", "[\r\n    0,\r\n    1\r\n]\r\n")]
    [InlineData("qom-set h0 host-nodes 0- 1", "qom-get h0 host-nodes", "[\r\n    0,\r\n    1\r\n]\r\n")]
    [InlineData("qom-set h0 host-nodes 0-+1", "qom-get h0 host-nodes", "[\r\n    0,\r\n    1\r\n]\r\n")]
    [InlineData("qom-set h0 host-nodes 0x0,0b1,010", "qom-get h0 host-nodes", "[\r\n    0,\r\n    1,\r\n    8\r\n]\r\n")]
    [InlineData("qom-set h0 host-nodes 127", "qom-get h0 host-nodes", "[\r\n    127\r\n]\r\n")]
    [InlineData("qom-set -j h0 merge false", "qom-get h0 merge", "false\r\n")]
    [InlineData("qom-set -j h0 merge  false \n", "qom-get h0 merge", "false\r\n")]
    [InlineData("qom-set -j h0 host-nodes [2,1]", "qom-get h0 host-nodes", "[\r\n    1,\r\n    2\r\n]\r\n")]
    [InlineData("qom-set \"h0\" \"merge\" off", "qom-get h0 merge", "false\r\n")]
    public async Task Value_IsSet(string set, string get, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(H0, set, get));
}
