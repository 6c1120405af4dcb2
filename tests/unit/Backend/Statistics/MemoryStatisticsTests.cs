using HostMemd.Backend.Regions;
using HostMemd.Backend.Statistics;
using HostMemd.Linux;
using HostMemd.Unit.Linux;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Unit.Linux.Make;

namespace HostMemd.Unit.Backend;

/// <summary>Two ways to read the same statistics: they must agree on every figure.</summary>
public sealed class MemoryStatisticsTests : IDisposable
{
    static readonly ulong s_page = Host.PageSize;

    readonly List<IDisposable> _kept = [];
    readonly Scratch _scratch = new();

    public void Dispose()
    {
        foreach (var kept in _kept)
            kept.Dispose();
        _scratch.Dispose();
    }

    MemoryRegion Region(SafeFileHandle? file, bool share, ulong length = 8 * MiB, bool quick = true)
    {
        var mapping = Make.Memory(new MapRequest
        {
            Length = length,
            Flags = (share ? Mman.MAP_SHARED : Mman.MAP_PRIVATE) | (file is null ? Mman.MAP_ANONYMOUS : 0),
            File = file,
            Guard = true,
            Alignment = 2 * MiB,
        });
        MemoryRegion region = new(mapping, file, s_page, share) { AllocatesQuickly = quick && file is not null };
        _kept.Add(region);
        return region;
    }

    SafeFileHandle OnDisk(ulong length)
    {
        var path = _scratch.Write("store", "");
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        Assert.Equal(Errno.None, Files.Truncate(file, length));
        return file;
    }

    static void Fill(MemoryRegion region, ulong bytes, bool huge = false)
    {
        region.Mapping.Advise(0, region.Mapping.Length, huge ? Mman.MADV_HUGEPAGE : Mman.MADV_NOHUGEPAGE);
        Assert.Equal(Errno.None, region.Mapping.Populate(0, bytes, write: true));
    }

    /// <summary>The figures of an object in words, in the order of the wire.</summary>
    static string Words(MemoryStatistics s) =>
        $"resident {s.Resident} huge {s.Huge} swapped {s.Swapped} merging {s.MergingBytes} dump {s.DumpEffective} policy {s.KernelPolicy} "
        + $"nodes {string.Join(' ', s.Nodes)}";

    static string[] Slowly(params MemoryRegion?[] regions) => Array.ConvertAll(MemoryStatistics.Read(regions, null), Words);

    static string[] Quickly(params MemoryRegion?[] regions)
    {
        using var scan = StatisticsByScan.Open(ksmRuns: false)!;
        var read = Array.ConvertAll(regions, _ => new MemoryStatistics());
        for (var i = 0; i < regions.Length; i++)
            Assert.True(regions[i] is null || scan.TryRead(regions[i]!, read[i]), $"region {i}");
        scan.Place();
        return Array.ConvertAll(read, Words);
    }

    [FactIf(Need.PageScan, Need.NoSwap)]
    public void BothWays_SayTheSame()
    {
        MemoryRegion anonymous = Region(null, share: false), anonymousHuge = Region(null, share: false);
        MemoryRegion shared = Region(Memfd(8 * MiB), share: true), sharedHuge = Region(Memfd(8 * MiB), share: true);
        MemoryRegion privately = Region(Memfd(8 * MiB), share: false), onDisk = Region(OnDisk(8 * MiB), share: true, quick: false);
        MemoryRegion untouched = Region(Memfd(8 * MiB), share: true), partly = Region(Memfd(8 * MiB), share: true);
        Fill(anonymous, 3 * MiB);
        Fill(anonymousHuge, 4 * MiB, huge: true);
        Fill(shared, 3 * MiB);
        Fill(sharedHuge, 4 * MiB, huge: true);
        Fill(privately, MiB);
        Fill(onDisk, MiB);
        // Another mapping filled them: pages of the file that are not in the page tables of this one.
        Fill(partly, MiB);
        RandomAccess.Write(partly.File!, new byte[MiB], (long)(2 * MiB));
        Assert.Equal(Errno.None, shared.SetDumped(false, 8 * MiB));
        Assert.Equal(Errno.None, anonymous.SetDumped(false, 8 * MiB));
        Assert.Equal(Errno.None, anonymous.SetDumped(true, 8 * MiB));
        MemoryRegion?[] all = [anonymous, anonymousHuge, shared, sharedHuge, privately, onDisk, untouched, null, partly];

        var slowly = Slowly(all);

        Assert.Equal(slowly, Quickly(all));
        Assert.Contains($"resident {3 * MiB} ", slowly[0]);
        Assert.Contains($"resident {2 * MiB} ", slowly[8]);
        Assert.Contains("dump False", slowly[2]);
        Assert.Equal(all.Length - 2, slowly.Count(s => !s.Contains("resident 0 ")));
    }

    [TheoryIf(Need.PageScan, Need.NoSwap, Need.Numa)]
    [InlineData(NumaCalls.MPOL_BIND, "bind:0")]
    [InlineData(NumaCalls.MPOL_INTERLEAVE, "interleave:0")]
    [InlineData(NumaCalls.MPOL_PREFERRED, "prefer:0")]
    [InlineData(NumaCalls.MPOL_PREFERRED_MANY, "prefer (many):0")]
    [InlineData(NumaCalls.MPOL_BIND | NumaCalls.MPOL_F_STATIC_NODES, "bind=static:0")]
    public void Policies_AreInTheKernelsWords(int mode, string words)
    {
        MemoryRegion own = Region(null, share: false), shared = Region(Memfd(8 * MiB), share: true);
        foreach (var region in (MemoryRegion[])[own, shared])
        {
            Assert.Equal(Errno.None, region.Mapping.Bind(mode, [1], 2, 0));
            Fill(region, MiB);
        }

        var slowly = Slowly(own, shared);

        Assert.All(slowly, s => Assert.Contains($"policy {words} ", s));
        using var scan = StatisticsByScan.Open(ksmRuns: false)!;
        // A policy that the quick way does not know is left to the slow way.
        if (scan.TryRead(own, new()))
            Assert.Equal(slowly, Quickly(own, shared));
        else
            Assert.Contains('=', words);
    }

    [FactIf(Need.PageScan)]
    public void PrivateMemory_IsLeftToSmaps_WhileTheKernelMerges()
    {
        MemoryRegion own = Region(null, share: false), shared = Region(Memfd(8 * MiB), share: true);
        using var scan = StatisticsByScan.Open(ksmRuns: true)!;

        Assert.False(scan.TryRead(own, new()));
        Assert.True(scan.TryRead(shared, new()));
    }

    // Otherwise query-memdev-stats would go the slow way each time that a client deletes an object.
    [TheoryIf(Need.PageScan)]
    [InlineData(true)]
    [InlineData(false)]
    public void MemoryThatIsDeletedMeanwhile_HasNothingToSay(bool share)
    {
        var region = Region(Memfd(8 * MiB), share);
        Fill(region, MiB);
        region.Dispose();
        using var scan = StatisticsByScan.Open(ksmRuns: false)!;
        MemoryStatistics read = new();

        Assert.True(scan.TryRead(region, read));

        Assert.Equal(Words(new()), Words(read));
    }

    const int MADV_PAGEOUT = 21;

    // Needs a machine with swap space: `fallocate -l 256M f && mkswap f && swapon f` makes one.
    [TheoryIf(Need.PageScan, Need.Swap)]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void WhatIsSwapped_IsCounted(bool share, bool hasFile)
    {
        MemoryRegion region = Region(hasFile || share ? Memfd(8 * MiB) : null, share), whole = Region(Memfd(8 * MiB), share: true);
        foreach (var each in (MemoryRegion[])[region, whole])
        {
            Fill(each, 4 * MiB);
            for (ulong at = 0; at < 4 * MiB; at += s_page)
                Assert.Equal(Errno.None, each.Mapping.Write(at, BitConverter.GetBytes(at + 1)));
        }
        Assert.Equal(Errno.None, region.Mapping.Advise(0, 2 * MiB, MADV_PAGEOUT));
        SpinWait.SpinUntil(() => MemoryStatistics.Read([region], null)[0].Swapped > MiB, TimeSpan.FromSeconds(20));

        var read = MemoryStatistics.Read([region, whole], StatisticsByScan.Open(ksmRuns: false));

        Assert.Equal(Slowly(region, whole), Array.ConvertAll(read, Words));
        Assert.InRange(read[0].Swapped, MiB, 2 * MiB);
        Assert.Equal(4 * MiB, read[0].Resident + read[0].Swapped);
        Assert.Equal(4 * MiB, read[1].Resident);
        using var scan = StatisticsByScan.Open(ksmRuns: false)!;
        Assert.Equal((false, true), (scan.TryRead(region, new()), scan.TryRead(whole, new())));
    }
}
