using HostMemd.Backend.Regions;
using HostMemd.Backend.Statistics;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Unit.Linux.Make;
using MemfdCalls = HostMemd.Linux.Memfd;

namespace HostMemd.Unit.Linux;

/// <summary>Eight more huge pages of 2 MiB for as long as the tests run.</summary>
public sealed class HugePages : IDisposable
{
    const string Pool = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
    readonly string? _before, _ours;

    public HugePages()
    {
        if (Requires.Missing([Need.HugePages]) is not null)
            return;
        _before = File.ReadAllText(Pool).Trim();
        File.WriteAllText(Pool, (ulong.Parse(_before) + 8).ToString());
        _ours = File.ReadAllText(Pool).Trim();
    }

    public void Dispose()
    {
        // If it has changed, somebody else has use for it now.
        if (_before is not null && File.ReadAllText(Pool).Trim() == _ours)
            File.WriteAllText(Pool, _before);
    }
}

/// <summary>Other test classes that use the pool join this collection: they share the pages and run one after the other.</summary>
[CollectionDefinition(nameof(HugePages), DisableParallelization = true)]
public sealed class HugePagesCollection : ICollectionFixture<HugePages>;

[Collection(nameof(HugePages))]
public class HugetlbTests
{
    const ulong Huge = 2 * MiB;

    static SafeFileHandle Memfd(ulong length) => Make.Memfd(length, MemfdCalls.MFD_HUGETLB | MemfdCalls.HugeFlag(Huge));

    static MapRequest Request(SafeFileHandle fd, ulong length, int flags = Mman.MAP_SHARED) =>
        new() { Length = length, Flags = flags, File = fd, PageSize = Huge, Guard = true };

    [FactIf(Need.HugePages)]
    public void HugeMemory_IsReserved_ThenTaken_ThenGivenBack()
    {
        var free = Sysfs.Pool(Huge).Free;
        using (var fd = Memfd(2 * Huge))
        using (var memory = Memory(Request(fd, Huge + 1)))
        {
            var reserved = Sysfs.Pool(Huge);
            Assert.Equal(Errno.None, memory.Populate(0, memory.Length, write: true));
            var taken = Sysfs.Pool(Huge);
            Assert.Equal(Errno.None, memory.Resident(out var bytes));
            var entry = Assert.Single(SmapsTable.Read().Find(memory.Address, memory.Length).ToArray());

            Assert.Equal((2 * Huge, 0ul), (memory.Length, memory.Address % Huge));
            Assert.Equal((free, 2ul), (reserved.Free, reserved.Reserved));
            Assert.Equal((free - 2, 0ul), (taken.Free, taken.Reserved));
            Assert.Equal(2 * Huge, bytes);
            Assert.Equal((Huge, 2 * Huge), (entry.KernelPageSize, entry.PrivateHugetlb + entry.SharedHugetlb));
            Assert.Equal("---p", Mapping(memory.Address + memory.Length)!.Permissions);
        }
        Assert.Equal(free, Sysfs.Pool(Huge).Free);
    }

    [FactIf(Need.HugePages)]
    public void MoreThanThePool_IsRefused_AndLeavesNothing()
    {
        var size = (Sysfs.Pool(Huge).Free + 1) * Huge;
        using var fd = Memfd(size);
        Files.Status(fd, out var status);

        Assert.Equal(Errno.ENOMEM, MappedMemory.Map(Request(fd, size), out _));

        Assert.Equal(0, Procfs.CountMapsOf(status.DeviceText, status.Inode));
        Assert.Equal(0ul, Sysfs.Pool(Huge).Reserved);
    }

    [TheoryIf(Need.HugePages)]
    [InlineData(true)]
    [InlineData(false)]
    public void MoreThanThePoolWithoutReserve_FailsOnTouch_WithoutASignal(bool populate)
    {
        var size = (Sysfs.Pool(Huge).Free + 1) * Huge;
        using var fd = Memfd(size);
        using var memory = Memory(Request(fd, size, Mman.MAP_SHARED | Mman.MAP_NORESERVE));

        var error = populate ? memory.Populate(0, size, write: true) : memory.Touch(0, size, Huge, write: true);

        Assert.Equal(Errno.EFAULT, error);
    }

    [FactIf(Need.HugePages)]
    public void FileSystem_TellsThePageSize()
    {
        using var fd = Memfd(Huge);

        Assert.Equal(Errno.None, Files.FileSystem(fd, out var status));
        Assert.True(status.IsHugeTlb);
        Assert.Equal(Huge, status.BlockSize);
        Assert.Equal(Errno.EINVAL, Files.Truncate(fd, Huge + 4096));
    }

    [FactIf(Need.HugePages, Need.Numa)]
    public void NodesOf_TakesOneAddressPerHugePage()
    {
        using var fd = Memfd(2 * Huge);
        using var memory = Memory(Request(fd, 2 * Huge));
        Assert.Equal(Errno.None, memory.Touch(0, memory.Length, Huge, write: true));
        var nodes = new int[2];

        Assert.Equal(Errno.None, memory.NodesOf(0, memory.Length, Huge, nodes));

        Assert.All(nodes, n => Assert.Contains(n, Sysfs.OnlineNodes()));
    }

    [TheoryIf(Need.HugePages, Need.PageScan)]
    [InlineData(true)]
    [InlineData(false)]
    public void Statistics_AreTheSameOnBothWays(bool share)
    {
        var fd = Memfd(4 * Huge);
        using MemoryRegion region = new(Make.Memory(Request(fd, 4 * Huge, share ? Mman.MAP_SHARED : Mman.MAP_PRIVATE)), fd, Huge, share);
        Assert.Equal(Errno.None, region.Mapping.Populate(0, 2 * Huge, write: true));
        using var scan = StatisticsByScan.Open(ksmRuns: false)!;
        MemoryStatistics quick = new(), slow = MemoryStatistics.Read([region], null)[0];

        Assert.True(scan.TryRead(region, quick));
        scan.Place();

        Assert.Equal((2 * Huge, 2 * Huge), (quick.Resident, quick.Huge));
        Assert.Equal((slow.Resident, slow.Huge, slow.Swapped, slow.KernelPolicy), (quick.Resident, quick.Huge, quick.Swapped, quick.KernelPolicy));
        Assert.Equal(slow.Nodes, quick.Nodes);
    }
}
