using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Memory;

/// <summary>Huge pages: memfd and hugetlbfs, and what is left of the pool.</summary>
[Collection(nameof(Machine))]
public sealed class HugePageTests(ITestOutputHelper output) : DaemonTest(output)
{
    const ulong Huge = 2 << 20;
    const ulong TooMuch = 1ul << 40;

    static long Free => HugePages.Count("free_hugepages");

    static long Reserved => HugePages.Count("resv_hugepages");

    [FactIf(Need.HugePages)]
    public void MemfdOfHugePages_TakesThemFromThePool_AndGivesThemBackBeforeTheReply()
    {
        var (free, reserved) = (Free, Reserved);
        using var client = Daemon.Connect();

        client.Add("memory-backend-memfd", "m", new() { ["size"] = 4 * Huge, ["hugetlb"] = true, ["hugetlbsize"] = Huge });
        Assert.Equal((free, reserved + 4), (Free, Reserved));
        client.Set("m", "prealloc", true);
        Assert.Equal((free - 4, reserved), (Free, Reserved));
        var memory = new ProcMemory(Daemon.Pid).Mappings().Single(m => m.Length == 4 * Huge && m.Path.Contains("memfd", StringComparison.Ordinal));
        Assert.Equal(Huge, memory.Figures["KernelPageSize"]);

        client.Delete("m");
        Assert.Equal((free, reserved), (Free, Reserved));
    }

    // backends.md § 10: QEMU 7.2 answers before the pages are free, and the next object-add fails.
    [FactIf(Need.HugePages)]
    public void MemfdOfMostOfThePool_CanBeDeletedAndMadeAgainAtOnce()
    {
        var size = (ulong)(HugePages.Count("free_hugepages") - HugePages.Count("resv_hugepages")) * Huge;
        using var client = Daemon.Connect();
        for (var i = 0; i < 10; i++)
        {
            client.Add("memory-backend-memfd", "m", new() { ["size"] = size, ["hugetlb"] = true, ["prealloc"] = true });
            client.Delete("m");
        }
    }

    [FactIf(Need.HugePages)]
    public void MemfdBeyondThePool_IsRefused_UnlessNothingIsReserved()
    {
        var (free, reserved) = (Free, Reserved);
        using var client = Daemon.Connect();

        var text = client.AddRefused("memory-backend-memfd", "m", new() { ["size"] = TooMuch, ["hugetlb"] = true });
        client.Add("memory-backend-memfd", "m", new() { ["size"] = TooMuch, ["hugetlb"] = true, ["reserve"] = false });

        Assert.Equal("unable to map backing store for guest RAM: Cannot allocate memory", text);
        Assert.Equal((free, reserved), (Free, Reserved));
    }

    [FactIf(Need.HugePages)]
    public void PreallocBeyondThePool_IsRefused_AndGivesAllBack()
    {
        var free = Free;
        using var client = Daemon.Connect();

        // Reserved is what fits; a private mapping reserves as well, so the pool is taken from under a mapping that has no reservation.
        client.Add("memory-backend-memfd", "m", new() { ["size"] = TooMuch, ["hugetlb"] = true, ["reserve"] = false });
        var text = client.SetRefused("m", "prealloc", true);
        client.Delete("m");

        Assert.Equal("'prealloc=on' and 'reserve=off' are incompatible", text);
        Assert.Equal(free, Free);
    }

    [TheoryIf(Need.HugePages)]
    [InlineData(3ul << 20, "failed to resize memfd to 3145728: Invalid argument")]
    [InlineData(1ul << 20, "failed to resize memfd to 1048576: Invalid argument")]
    public void MemfdOfPartOfAHugePage_IsRefused(ulong size, string text)
    {
        using var client = Daemon.Connect();

        Assert.Equal(text, client.AddRefused("memory-backend-memfd", "m", new() { ["size"] = size, ["hugetlb"] = true }));
    }

    [FactIf(Need.HugePages)]
    public void FileOnHugetlbfs_IsOfHugePages_AndItsFileIsRemovedWhenTheObjectFails()
    {
        var folder = DaemonProcess.NewFolder();
        Program.Check("mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "hostmemd-test", folder);
        try
        {
            using var client = Daemon.Connect();
            var path = Path.Combine(folder, "mem");

            Assert.Equal("backend 'memory-backend-file' memory size must be multiple of 2 MiB",
                client.AddRefused("memory-backend-file", "m", new() { ["size"] = 3 << 20, ["mem-path"] = path, ["share"] = true }));
            Assert.Equal("memory size 0x100000 must be equal to or larger than page size 0x200000",
                client.AddRefused("memory-backend-file", "m", new() { ["size"] = 1 << 20, ["mem-path"] = path, ["share"] = true }));
            Assert.Equal("alignment 0x1000 must be multiples of page size 0x200000",
                client.AddRefused("memory-backend-file", "m", new() { ["size"] = Huge, ["mem-path"] = path, ["align"] = 4096 }));
            Assert.Equal("unable to map backing store for guest RAM: Cannot allocate memory",
                client.AddRefused("memory-backend-file", "m", new() { ["size"] = TooMuch, ["mem-path"] = path, ["share"] = true }));
            Assert.False(File.Exists(path));

            var free = Free;
            client.Add("memory-backend-file", "m", new() { ["size"] = 2 * Huge, ["mem-path"] = path, ["share"] = true, ["prealloc"] = true });
            Assert.Equal(free - 2, Free);
            client.Delete("m");
            Assert.True(File.Exists(path));
            File.Delete(path);
            Assert.Equal(free, Free);
        }
        finally
        {
            Program.Check("umount", "-l", folder);
            Directory.Delete(folder);
        }
    }
}
