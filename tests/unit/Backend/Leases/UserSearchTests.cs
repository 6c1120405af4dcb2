using HostMemd.Backend.Leases;
using HostMemd.Backend.Regions;
using HostMemd.Linux;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Backend.Leases;

public sealed class UserSearchTests : IDisposable
{
    readonly UserSearch _search = new(NullLogger.Instance);
    readonly string _path = Path.GetTempFileName();
    readonly MemoryRegion _region;

    public UserSearchTests()
    {
        File.WriteAllBytes(_path, new byte[4096]);
        Assert.Equal(Errno.None, Files.Open(_path, Files.O_RDWR | Files.O_CLOEXEC, 0, out var file));
        Assert.Equal(Errno.None, MappedMemory.Map(new MapRequest { Length = 4096, Flags = Mman.MAP_SHARED, File = file }, out var mapping));
        _region = new(mapping!, file, 4096, isShared: true);
    }

    public void Dispose()
    {
        _region.Dispose();
        File.Delete(_path);
    }

    [Fact]
    public async Task Nobody_IsThere()
    {
        Assert.False(await _search.IsUsedElsewhereAsync(_region, () => throw new InvalidOperationException("need not be asked")));
        Assert.False(UserSearch.MayBeUsedUnseen(_region, unseen: 3));
    }

    // This process alone has the file open, twice, as two objects on one path do.
    [Fact]
    public async Task OurOwnSecondDescriptor_CountsOnlyIfItIsNoObjects()
    {
        using var second = File.OpenHandle(_path);
        Assert.False(await _search.IsUsedElsewhereAsync(_region, () => true));
        Assert.True(await _search.IsUsedElsewhereAsync(_region, () => false));
        Assert.True(UserSearch.MayBeUsedUnseen(_region, unseen: 0));
    }

    [Fact]
    public async Task QuestionsAtTheSameTime_ShareAScan()
    {
        var file = _region.Identity!.Value;
        var first = _search.ScanAsync([file]);
        var others = Enumerable.Range(0, 20).Select(_ => _search.ScanAsync([file])).ToArray();
        await first;
        var scans = (await Task.WhenAll(others)).Distinct(ReferenceEqualityComparer.Instance).Count();
        // Callers before the first scan began share it; the others share one that began later.
        Assert.InRange(scans, 1, 2);
    }
}
