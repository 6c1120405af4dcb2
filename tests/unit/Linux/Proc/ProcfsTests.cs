using System.Text;
using HostMemd.Linux;

namespace HostMemd.Unit.Linux;

public class ProcfsTests
{
    static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    [Theory]
    [InlineData("rw-s 00000000 00:01 1034                       /memfd:memory-backend-memfd (deleted)",
        "/memfd:memory-backend-memfd (deleted)", 1034, "00:01")]
    [InlineData("---p 00000000 00:00 0 ", "", 0, "00:00")]
    [InlineData("---p 00000000 00:00 0", "", 0, "00:00")]
    [InlineData("rw-s 00000000 00:1b 12                         /mnt/a b/  guest ram (deleted)",
        "/mnt/a b/  guest ram (deleted)", 12, "00:1b")]
    [InlineData("rw-p 00000000 103:02 9                         /new\\012line", "/new\\012line", 9, "103:02")]
    [InlineData("rw-p 00000000 00:00 0                          [anon: a b]", "[anon: a b]", 0, "00:00")]
    public void MapsLine_IsRead(string line, string path, ulong inode, string device)
    {
        var entry = Procfs.ParseMaps(Bytes("7f0000000000-7f0000100000 " + line))!;

        Assert.Equal((0x7f0000000000ul, 0x7f0000100000ul), (entry.Start, entry.End));
        Assert.Equal((path, inode, device), (entry.Path, entry.Inode, entry.Device));
    }

    [Fact]
    public void MapsLine_AtTheTopOfMemory_IsRead()
    {
        var entry = Procfs.ParseMaps("ffffffffff600000-ffffffffff601000 --xp 00001000 00:00 0                  [vsyscall]"u8)!;

        Assert.Equal((0xffffffffff600000ul, "--xp", 0x1000ul), (entry.Start, entry.Permissions, entry.Offset));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Rss: 4 kB")]
    [InlineData("7f00-8000")]
    [InlineData("7f00 rw-p 0 00:00 0")]
    [InlineData("7f00-xyz rw-p 0 00:00 0")]
    [InlineData("7f00-8000 rw-p 0 00:00 none")]
    public void WhatIsNoMapsLine_IsNothing(string line) => Assert.Null(Procfs.ParseMaps(Bytes(line)));

    [Theory]
    [InlineData("7f8c7d400000 bind:1 file=/memfd:x\\040(deleted) dirty=512 N1=512 kernelpagesize_kB=4", "bind:1")]
    [InlineData("7f8c7d400000 prefer (many):0-1 anon=512 dirty=512 N1=512 kernelpagesize_kB=4", "prefer (many):0-1")]
    [InlineData("7f8c7d400000 weighted interleave:0-1 anon=512 dirty=512 N1=512 kernelpagesize_kB=4", "weighted interleave:0-1")]
    [InlineData("7f8c7d400000 bind=static:1,3 anon=512 N1=512 kernelpagesize_kB=4", "bind=static:1,3")]
    [InlineData("7f8c7d400000 default heap anon=512 N1=512 Nothing=3 kernelpagesize_kB=4", "default")]
    public void NumaMapsLine_IsRead(string line, string policy)
    {
        var entry = Procfs.ParseNumaMaps(Bytes(line))!;

        Assert.Equal((0x7f8c7d400000ul, policy, 4096ul), (entry.Address, entry.Policy, entry.KernelPageSize));
        Assert.Equal(new Dictionary<int, ulong> { [1] = 512 }, entry.Nodes);
    }

    [Fact]
    public void NumaMapsLine_OfHugePages_IsRead()
    {
        const string Line = "7f0000 interleave:0-1 file=/anon_hugepage\\040(deleted) huge dirty=4 N0=2 N12=2 kernelpagesize_kB=2048";
        var entry = Procfs.ParseNumaMaps(Bytes(Line))!;

        Assert.Equal(2ul << 20, entry.KernelPageSize);
        Assert.Equal(new Dictionary<int, ulong> { [0] = 2, [12] = 2 }, entry.Nodes);
    }

    [Fact]
    public void NumaMapsLine_WithoutPages_HasNone()
    {
        var entry = Procfs.ParseNumaMaps("7f0000 prefer (many):0"u8)!;

        Assert.Equal(("prefer (many):0", 0ul, 0), (entry.Policy, entry.KernelPageSize, entry.Nodes.Count));
        Assert.Null(Procfs.ParseNumaMaps(""u8));
        Assert.Null(Procfs.ParseNumaMaps("not a line"u8));
    }

    [Theory]
    [InlineData("36 35 0:33 / /dev/hugepages rw,relatime shared:16 - hugetlbfs hugetlbfs rw,pagesize=2M", "/dev/hugepages", 2ul << 20)]
    [InlineData("36 35 0:33 / /mnt/a\\040b rw,relatime shared:16 master:2 - hugetlbfs none rw,gid=5,pagesize=1024M,size=1",
        "/mnt/a b", 1ul << 30)]
    [InlineData("36 35 0:33 / /mnt rw - hugetlbfs none rw", "/mnt", 0)]
    [InlineData("36 35 0:33 / /mnt rw - hugetlbfs", "/mnt", 0)]
    public void HugetlbMount_IsRead(string line, string path, ulong pageSize) =>
        Assert.Equal(new HugetlbMount(path, pageSize), Procfs.ParseHugetlbMount(Bytes(line)));

    [Theory]
    [InlineData("22 27 0:21 / /proc rw,relatime - proc proc rw")]
    [InlineData("22 27 0:21 / /hugetlbfs rw,relatime - tmpfs hugetlbfs rw")]
    [InlineData("")]
    [InlineData("22 27 0:21")]
    public void OtherMount_IsNothing(string line) => Assert.Null(Procfs.ParseHugetlbMount(Bytes(line)));

    [Fact]
    public void Field_IsFoundByItsWholeName()
    {
        var text = "Name:\ta: b\nMems_allowed:\t3\nMems_allowed_list:\t0-1\nVmRSS:\t   12 kB\nksm_zero_pages 7\n"u8;

        Assert.Equal("a: b", Procfs.Field(text, "Name"));
        Assert.Equal("3", Procfs.Field(text, "Mems_allowed"));
        Assert.Equal("0-1", Procfs.Field(text, "Mems_allowed_list"));
        Assert.Equal("12 kB", Procfs.Field(text, "VmRSS"));
        Assert.Equal("7", Procfs.Field(text, "ksm_zero_pages"));
        Assert.Null(Procfs.Field(text, "Mems"));
        Assert.Null(Procfs.Field(""u8, "Name"));
    }

    [Fact]
    public void Readers_SurviveAnEmptyProc()
    {
        using Scratch none = new();

        Assert.Null(Procfs.MemInfo("MemTotal", none.Path));
        Assert.Null(Procfs.Status("VmRSS", root: none.Path));
        Assert.Null(Procfs.StatusBytes("VmRSS", 1, none.Path));
        Assert.Null(Procfs.KsmStat("ksm_rmap_items", root: none.Path));
        Assert.Null(Procfs.KsmMergingPages(root: none.Path));
        Assert.Empty(Procfs.Maps(root: none.Path));
        Assert.Empty(Procfs.Smaps(root: none.Path));
        Assert.Empty(Procfs.NumaMaps(root: none.Path));
        Assert.Empty(Procfs.HugetlbMounts(none.Path));
        Assert.Equal(0, Procfs.CountMapsOf("00:01", 5, root: none.Path));
    }

    [Fact]
    public void Readers_TakeASavedProc()
    {
        using Scratch proc = new();
        proc.Write("meminfo", "MemTotal:       24684092 kB\nHugePages_Total:       4\nHugepagesize:       2048 kB\n");
        proc.Write("self/ksm_stat", "ksm_rmap_items 12\nksm_process_profit -768\nksm_merge_any: no\n"); // 6.18
        proc.Write("7/ksm_merging_pages", "4096\n");
        proc.Write("self/mountinfo", "22 27 0:21 / /proc rw - proc proc rw\n36 35 0:33 / /huge rw - hugetlbfs none rw,pagesize=2M");

        Assert.Equal(24684092ul * 1024, Procfs.MemInfo("MemTotal", proc.Path));
        Assert.Equal(4ul, Procfs.MemInfo("HugePages_Total", proc.Path));
        Assert.Equal(-768, Procfs.KsmStat("ksm_process_profit", root: proc.Path));
        Assert.Null(Procfs.KsmStat("ksm_merge_any", root: proc.Path));
        Assert.Equal(4096ul, Procfs.KsmMergingPages(7, proc.Path));
        Assert.Equal([new HugetlbMount("/huge", 2 << 20)], Procfs.HugetlbMounts(proc.Path));
    }

    [Fact]
    public void OwnStatus_IsRead()
    {
        Assert.True(Procfs.StatusBytes("VmRSS") > 1 << 20);
        Assert.NotNull(Procfs.Status("Cpus_allowed_list"));
        Assert.True(Procfs.MemInfo("MemAvailable") > 0);
    }

    [Fact]
    public void LineLongerThanTheBuffer_IsReadWhole()
    {
        using Scratch proc = new();
        string value = new('x', 300_000);
        proc.Write("self/status", $"Name:\t{value}\nVmRSS:\t12 kB");

        Assert.Equal(value, Procfs.Status("Name", root: proc.Path));
        Assert.Equal(12ul * 1024, Procfs.StatusBytes("VmRSS", root: proc.Path));
    }
}
