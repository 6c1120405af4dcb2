using System.Text;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Unit.Linux.Make;

namespace HostMemd.Unit.Linux;

public class SmapsTests
{
    // 6.1: no KSM line.
    const string Old = """
        7f3c80000000-7f3c88000000 rw-s 00000000 00:01 1034                       /memfd:memory-backend-memfd (deleted)
        Size:             131072 kB
        KernelPageSize:        4 kB
        MMUPageSize:           4 kB
        Rss:                4096 kB
        Pss:                2048 kB
        Shared_Clean:          0 kB
        Shared_Dirty:       4096 kB
        Private_Clean:         0 kB
        Private_Dirty:         0 kB
        Referenced:         4096 kB
        Anonymous:             0 kB
        LazyFree:              0 kB
        AnonHugePages:         0 kB
        ShmemPmdMapped:     2048 kB
        FilePmdMapped:         0 kB
        Shared_Hugetlb:        0 kB
        Private_Hugetlb:       0 kB
        Swap:                  8 kB
        SwapPss:               0 kB
        Locked:                0 kB
        THPeligible:    0
        VmFlags: rd wr sh mr mw me ms dc dd sd 

        """;

    // 6.18: KSM, Pss_Dirty; a huge page mapping with a blank in its path; an anonymous one.
    const string Young = """
        7f3c90000000-7f3c90400000 rw-s 00000000 00:0f 2051                       /dev/huge pages/a (deleted)
        Size:               4096 kB
        KernelPageSize:     2048 kB
        MMUPageSize:        2048 kB
        Rss:                   0 kB
        Pss:                   0 kB
        Pss_Dirty:             0 kB
        KSM:                   0 kB
        Shared_Hugetlb:     2048 kB
        Private_Hugetlb:    4096 kB
        Swap:                  0 kB
        VmFlags: rd wr sh mr mw me ms de ht sd 
        7f3c90400000-7f3c90401000 rw-p 00000000 00:00 0 
        Rss:                   4 kB
        KSM:                   4 kB
        AnonHugePages:      2048 kB
        FutureField:    whatever
        Another one without colon
        VmFlags: rd wr mr mw me ac mg hg 
        """;

    [Fact]
    public void OldKernel_IsRead()
    {
        var entry = Assert.Single(Procfs.ParseSmaps(Encoding.UTF8.GetBytes(Old)));

        Assert.Equal(("rw-s", "00:01", 1034ul, "/memfd:memory-backend-memfd (deleted)"),
            (entry.Permissions, entry.Device, entry.Inode, entry.Path));
        Assert.Equal((4 * MiB, 2 * MiB, 8192ul, 4096ul), (entry.Rss, entry.Pss, entry.Swap, entry.KernelPageSize));
        Assert.Equal((2 * MiB, 0ul, 0ul), (entry.ShmemPmdMapped, entry.AnonHugePages, entry.FilePmdMapped));
        Assert.Null(entry.Ksm);
        Assert.True(entry.Flags.Contains("dd"));
    }

    [Fact]
    public void YoungKernel_IsRead()
    {
        var entries = Procfs.ParseSmaps(Encoding.UTF8.GetBytes(Young));

        Assert.Equal(2, entries.Count);
        Assert.Equal(("/dev/huge pages/a (deleted)", 4 * MiB, 2 * MiB, 2 * MiB),
            (entries[0].Path, entries[0].PrivateHugetlb, entries[0].SharedHugetlb, entries[0].KernelPageSize));
        Assert.Equal(("", 4096ul, 2 * MiB), (entries[1].Path, entries[1].Ksm!.Value, entries[1].AnonHugePages));
        Assert.True(entries[1].Flags.Contains("mg"));
        Assert.Equal(0ul, entries[1].KernelPageSize);
    }

    [Fact]
    public void Flags_AreWholeWords()
    {
        VmFlags flags = new("rd mr mw me");

        Assert.True(flags.Contains("rd") && flags.Contains("me"));
        Assert.False(flags.Contains("rm") || flags.Contains("m") || flags.Contains("") || default(VmFlags).Contains("rd"));
    }

    [Fact]
    public void TextCutAnywhere_DoesNotFail()
    {
        var text = Encoding.UTF8.GetBytes(Young);

        Assert.All(Enumerable.Range(0, text.Length), cut => Assert.InRange(Procfs.ParseSmaps(text.AsSpan(0, cut)).Count, 0, 2));
        Assert.All(Enumerable.Range(0, text.Length), cut => Assert.InRange(Procfs.ParseSmaps(text.AsSpan(cut)).Count, 0, 2));
    }

    [Fact]
    public void Table_FindsRegionsByAddress()
    {
        using Scratch proc = new();
        proc.Write("self/smaps", Old + Young);

        var table = SmapsTable.Read(root: proc.Path);

        Assert.Equal(3, table.Count);
        Assert.Equal(1034ul, Assert.Single(table.Find(0x7f3c80000000, 128 * MiB).ToArray()).Inode);
        Assert.Equal(2, table.Find(0x7f3c90000000, 5 * MiB).Length);
        Assert.Equal(0, table.Find(0x7f3c88000000, MiB).Length);
        Assert.Equal(0, table.Find(0, MiB).Length);
        Assert.Equal(0, table.Find(0x7f3c90401000, MiB).Length);
    }

    [Fact]
    public void OnlyWantedMappings_AreReported()
    {
        using Scratch proc = new();
        proc.Write("self/smaps", Old + Young);

        var entry = Assert.Single(Procfs.Smaps((start, _) => start == 0x7f3c90000000, root: proc.Path));

        Assert.Equal(4 * MiB, entry.PrivateHugetlb);
    }

    [Fact]
    public void OwnMemory_IsCounted()
    {
        using var fd = Memfd(4 * MiB);
        using var memory = Shared(fd, 4 * MiB);
        Assert.Equal(Errno.None, memory.Touch(0, 3 * MiB, Host.PageSize, write: true));

        var entry = Assert.Single(SmapsTable.Read().Find(memory.Address, memory.Length).ToArray());

        Assert.Equal((memory.Address, memory.Address + memory.Length, 3 * MiB), (entry.Start, entry.End, entry.Rss));
        Assert.Equal("/memfd:test (deleted)", entry.Path);
    }
}
