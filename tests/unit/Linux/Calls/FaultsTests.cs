#if FAULT_INJECTION
using HostMemd.Backend.Regions;
using HostMemd.Backend.Statistics;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Unit.Linux.Make;

namespace HostMemd.Unit.Linux;

[CollectionDefinition(nameof(FaultsTests), DisableParallelization = true)]
public sealed class FaultsCollection;

/// <summary>Only in a build with FAULT_INJECTION: each step of mapping fails once, and nothing may be left.</summary>
[Collection(nameof(FaultsTests))]
public sealed class FaultsTests : IDisposable
{
    const ulong Odd = 0x7_3000_1000; // nothing else here is as large by chance
    readonly List<string> _bugs = [];

    public FaultsTests() => UnexpectedFailures.Reported += _bugs.Add;

    public void Dispose()
    {
        UnexpectedFailures.Reported -= _bugs.Add;
        Faults.Clear();
    }

    static bool SomethingIsLeft() => Procfs.Maps().Any(m => m.End - m.Start is >= Odd - (64 * MiB) and <= Odd + (64 * MiB));

    [Theory]
    [InlineData("mmap", 1)]
    [InlineData("mmap", 2)]
    [InlineData("munmap", 1)]
    [InlineData("munmap", 2)]
    public void Map_WithAFailingStep_LeavesNothing(string call, int nth)
    {
        using var fd = Memfd(Odd);
        Faults.Arm(call, nth, Errno.ENOMEM);
        MapRequest request = new() { Length = Odd, Flags = Mman.MAP_SHARED, File = fd, Guard = true, Alignment = 32 * MiB };

        var error = MappedMemory.Map(request, out _);

        Assert.Equal(Errno.ENOMEM, error);
        Assert.False(SomethingIsLeft());
        Assert.Empty(_bugs);
    }

    [Fact]
    public void Map_WhosePlaceWasTaken_TriesAgain()
    {
        using var fd = Memfd(MiB);
        Faults.Arm("mmap", 2, Errno.EEXIST);

        using var memory = Shared(fd, MiB);

        Assert.Equal("rw-s", Mapping(memory.Address)!.Permissions);
    }

    [Fact]
    public void Dispose_WhoseMunmapFails_IsReportedAsABug()
    {
        var memory = Anonymous(MiB);
        Faults.Arm("munmap", 1, Errno.EINVAL);

        memory.Dispose();

        Assert.Contains("munmap", Assert.Single(_bugs));
    }

    [Fact]
    public void Probe_ThatCannotMap_SaysNoAndIsNotRemembered()
    {
        Faults.Arm("mmap", 1, Errno.ENOMEM);

        var first = Host.HasMadvise(Mman.MADV_DODUMP);

        Assert.False(first);
        Assert.True(Host.HasMadvise(Mman.MADV_DODUMP));
    }

    [FactIf(Need.PageScan, Need.NoSwap)]
    public void StatisticsOfAKernelThatCannotScan_AreReadFromSmaps()
    {
        using var fd = Memfd(8 * MiB);
        using MemoryRegion region = new(Shared(fd, 8 * MiB), fd, Host.PageSize, true) { AllocatesQuickly = true };
        Assert.Equal(Errno.None, region.Mapping.Populate(0, 2 * MiB, write: true));
        Faults.Arm(nameof(PageScan.PAGEMAP_SCAN), 0, new Errno(25)); // ENOTTY
        using (var scan = StatisticsByScan.Open(ksmRuns: false)!)
            Assert.False(scan.TryRead(region, new()));

        var read = Assert.Single(MemoryStatistics.Read([region], StatisticsByScan.Open(ksmRuns: false)));

        Assert.Equal(2 * MiB, read.Resident);
    }
}
#endif
