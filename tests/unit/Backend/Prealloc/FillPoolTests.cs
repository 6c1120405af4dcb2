using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Regions;
using HostMemd.Linux;

namespace HostMemd.Unit.Backend.Prealloc;

public sealed class FillPoolTests
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    static MemoryRegion Region()
    {
        MapRequest request = new() { Length = 4 << 20, Flags = Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS, Protection = Mman.PROT_READ | Mman.PROT_WRITE };
        Assert.True(MappedMemory.Map(request, out var mapping).Ok);
        return new(mapping!, null, Host.PageSize, isShared: false);
    }

    [Fact]
    public async Task WhatAStepThrows_EndsItsFilling_AndNotTheWorker()
    {
        var pool = new FillPool(1);
        Assert.True(pool.Reserve().Ok);
        using var region = Region();
        using var broken = new Filling(region, 1, () => throw new InvalidOperationException("no CPUs"));
        using var good = new Filling(region, 1, () => null);

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => pool.RunAsync(broken).WaitAsync(s_patience));
        var errno = await pool.RunAsync(good).WaitAsync(s_patience);

        Assert.Equal("no CPUs", failure.Message);
        Assert.True(errno.Ok, errno.Text);
        Assert.Equal(good.Total, good.Current);
    }
}
