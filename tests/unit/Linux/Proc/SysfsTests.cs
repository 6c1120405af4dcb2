using System.Text;
using HostMemd.Linux;

namespace HostMemd.Unit.Linux;

public class SysfsTests
{
    [Theory]
    [InlineData("0", new[] { 0 })]
    [InlineData("0-3,8\n", new[] { 0, 1, 2, 3, 8 })]
    [InlineData("0,2-2,5", new[] { 0, 2, 5 })]
    [InlineData("", new int[0])]
    [InlineData("\n", new int[0])]
    [InlineData("nonsense", new int[0])]
    [InlineData("1,", new[] { 1 })]
    [InlineData("3-1", new int[0])]
    [InlineData("1-", new int[0])]
    [InlineData("0-4294967295", new int[0])]
    public void CpuList_IsRead(string text, int[] expected) => Assert.Equal(expected, BitList.Parse(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("0-1")]
    [InlineData("0-3,8")]
    [InlineData("1,3,5-7,63-64,127")]
    public void List_IsWrittenAsTheKernelDoes(string text) => Assert.Equal(text, BitList.Text(BitList.Parse(Encoding.UTF8.GetBytes(text))));

    [Fact]
    public void Mask_IsReadAcrossWords() => Assert.Equal([0, 63, 64, 127], BitList.FromMask([1ul << 63 | 1, 1ul << 63 | 1]));

    [Fact]
    public void SavedSys_IsRead()
    {
        using Scratch sys = new();
        sys.Write("devices/system/node/online", "0-1,3\n");
        sys.Write("devices/system/node/has_memory", "0,3\n");
        sys.Write("devices/system/node/node3/cpulist", "\n");
        sys.Write("devices/system/node/node1/cpulist", "2-3\n");
        sys.Write("devices/system/node/node3/meminfo", "\nNode 3 MemTotal:       1000 kB\nNode 3 MemFree:         10 kB\n");
        sys.Write("kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "1\n");
        sys.Write("kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "14\n");
        sys.Write("kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "12\n");
        sys.Write("kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "3\n");
        sys.Write("kernel/mm/hugepages/hugepages-2048kB/surplus_hugepages", "2\n");
        sys.Write("devices/system/node/node3/hugepages/hugepages-2048kB/nr_hugepages", "5\n");
        sys.Write("kernel/mm/ksm/advisor_mode", "[none] scan-time\n");

        Assert.Equal([0, 1, 3], Sysfs.OnlineNodes(sys.Path));
        Assert.Equal([0, 3], Sysfs.MemoryNodes(sys.Path));
        Assert.Equal([], Sysfs.NodeCpus(3, sys.Path));
        Assert.Equal([2, 3], Sysfs.NodeCpus(1, sys.Path));
        Assert.Equal(10ul * 1024, Sysfs.FreeMemory(3, sys.Path));
        Assert.Equal(1000ul * 1024, Sysfs.TotalMemory(3, sys.Path));
        Assert.Equal([2ul << 20, 1ul << 30], Sysfs.HugePageSizes(sys.Path));
        Assert.Equal(new HugePagePool(14, 12, 3, 2), Sysfs.Pool(2 << 20, root: sys.Path));
        Assert.Equal(new HugePagePool(5, 0, 0, 0), Sysfs.Pool(2 << 20, 3, sys.Path));
        Assert.Equal("[none] scan-time", Sysfs.Ksm("advisor_mode", sys.Path));
    }

    [Fact]
    public void DaxDevice_IsOneOfTheDaxBus()
    {
        using Scratch sys = new();
        sys.Write("dev/char/252:0/size", "526385152\n");
        sys.Write("dev/char/252:0/align", "2097152\n");
        sys.Write("dev/char/10:1/size", "4096\n");
        sys.Write("dev/char/252:1/size", "4096\n");
        File.CreateSymbolicLink(sys.Path + "/dev/char/252:0/subsystem", "../../../../bus/dax");
        File.CreateSymbolicLink(sys.Path + "/dev/char/252:1/subsystem", "../../../../class/dax");
        File.CreateSymbolicLink(sys.Path + "/dev/char/10:1/subsystem", "../../../../class/misc");

        Assert.Equal(new DaxDevice(526385152, 2097152), Sysfs.Dax(252, 0, sys.Path));
        Assert.Equal(new DaxDevice(4096, 0), Sysfs.Dax(252, 1, sys.Path));
        Assert.Null(Sysfs.Dax(10, 1, sys.Path));
        Assert.Null(Sysfs.Dax(252, 2, sys.Path));
        // /dev/zero
        Assert.Null(Sysfs.Dax(1, 5));
    }

    [Fact]
    public void EmptySys_IsNothing()
    {
        using Scratch sys = new();

        Assert.Empty(Sysfs.OnlineNodes(sys.Path));
        Assert.Empty(Sysfs.NodeCpus(0, sys.Path));
        Assert.Empty(Sysfs.HugePageSizes(sys.Path));
        Assert.Equal(0ul, Sysfs.FreeMemory(0, sys.Path));
        Assert.Equal(default, Sysfs.Pool(2 << 20, root: sys.Path));
        Assert.Null(Sysfs.Ksm("run", sys.Path));
    }

    [FactIf(Need.Numa)]
    public void ThisMachine_IsRead()
    {
        var node = Sysfs.MemoryNodes()[0];

        Assert.NotEmpty(Sysfs.OnlineNodes().SelectMany(n => Sysfs.NodeCpus(n)));
        Assert.True(Sysfs.FreeMemory(node) > 0);
    }
}
