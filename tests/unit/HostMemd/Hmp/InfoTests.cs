namespace HostMemd.Unit.HostMemd.Hmp;

/// <summary><c>info</c> and <c>quit</c>. The expectations are QEMU 11.1's.</summary>
public class InfoTests
{
    [Theory]
    [InlineData(
        "",
        "\r\n")]
    [InlineData(
        "object_add memory-backend-ram,id=h0,size=1M",
        "memory backend: h0\r\n  size:  1048576\r\n  merge: true\r\n  dump: true\r\n  prealloc: false\r\n"
        + "  share: false\r\n  reserve: true\r\n  policy: default\r\n  host nodes: \r\n\r\n")]
    [InlineData(
        "object_add memory-backend-ram,id=h0,size=4096,share=on,merge=off,dump=off,prealloc=on",
        "memory backend: h0\r\n  size:  4096\r\n  merge: false\r\n  dump: false\r\n  prealloc: true\r\n"
        + "  share: true\r\n  reserve: true\r\n  policy: default\r\n  host nodes: \r\n\r\n")]
    [InlineData(
        "object_add memory-backend-ram,id=h0,size=1M,reserve=off\nqom-set h0 host-nodes 0-2,5,7-9,127",
        "memory backend: h0\r\n  size:  1048576\r\n  merge: true\r\n  dump: true\r\n  prealloc: false\r\n"
        + "  share: false\r\n  reserve: false\r\n  policy: default\r\n  host nodes: 0-2,5,7-9,127\r\n\r\n")]
    [InlineData(
        "object_add memory-backend-ram,id=h0,size=1M\nqom-set h0 policy interleave",
        "memory backend: h0\r\n  size:  1048576\r\n  merge: true\r\n  dump: true\r\n  prealloc: false\r\n"
        + "  share: false\r\n  reserve: true\r\n  policy: interleave\r\n  host nodes: \r\n\r\n")]
    [InlineData(
        "object_add thread-context,id=tc\nobject_add memory-backend-ram,id=b,size=1k\nobject_add memory-backend-ram,id=a,size=2k",
        "memory backend: a\r\n  size:  2048\r\n  merge: true\r\n  dump: true\r\n  prealloc: false\r\n"
        + "  share: false\r\n  reserve: true\r\n  policy: default\r\n  host nodes: \r\nmemory backend: b\r\n"
        + "  size:  1024\r\n  merge: true\r\n  dump: true\r\n  prealloc: false\r\n  share: false\r\n  reserve: true\r\n"
        + "  policy: default\r\n  host nodes: \r\n\r\n")]
    public async Task Memdev_IsPrintedBlockByBlock(string setup, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync([.. setup.Split('\n'), "info memdev"]));

    // Without QEMU's own monitor, which is an object there.
    [Fact]
    public async Task QomTree_IsSortedByName() => Assert.Equal(
        "/objects (container)\r\n"
        + "  /h0 (memory-backend-ram)\r\n"
        + "    /\\x2fobjects\\x2fh0[0] (memory-region)\r\n"
        + "  /h1 (memory-backend-ram)\r\n"
        + "    /h1[0] (memory-region)\r\n"
        + "  /tc (thread-context)\r\n",
        await new TestMonitor().RunAsync("object_add memory-backend-ram,id=h1,size=1M",
            "object_add memory-backend-ram,id=h0,size=1M,x-use-canonical-path-for-ramblock-id=on", "object_add thread-context,id=tc",
            "info qom-tree /objects"));

    [Fact]
    public async Task QomTree_OfEverything_BeginsAtASlash() =>
        Assert.StartsWith("/ (container)\r\n", await new TestMonitor().RunAsync("info qom-tree /"), StringComparison.Ordinal);

    [Fact]
    public async Task Version_IsPrintedAsGiven() => Assert.Equal("11.1.2test\r\n", await new TestMonitor().RunAsync("info version"));

    [Fact]
    public async Task Status_IsThatOfNoMachine() => Assert.Equal("VM status: running\r\n", await new TestMonitor().RunAsync("info status"));

    [Theory]
    [InlineData("quit")]
    [InlineData(" q ")]
    public async Task Quit_IsPassedOn(string line)
    {
        var told = 0;
        var monitor = new TestMonitor();
        monitor.Human.Quit = () => told++;
        Assert.Equal("", await monitor.RunAsync(line));
        Assert.Equal(1, told);
    }
}
