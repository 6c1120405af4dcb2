using System.Globalization;
using HostMemd.Integration.Harness;
using HostMemd.Qapi;
using Xunit.Abstractions;
using static HostMemd.Integration.Harness.Need;

namespace HostMemd.Integration.Handover;

/// <summary>Which memory can be lent, and that it is the daemon's own that the consumer sees.</summary>
[Collection(nameof(Machine))]
public sealed class SharedMemoryTests(ITestOutputHelper output) : HandoverTest(output)
{
    const long Size = 4 * MiB;

    [Fact]
    public Task Memfd() => SeenFromBothSides("memory-backend-memfd", []);

    [Fact]
    public Task Ram_Shared() => SeenFromBothSides("memory-backend-ram", new() { { "share", Value.From(true) } });

    [FactIf(DevShm)]
    public Task Shm() => SeenFromBothSides("memory-backend-shm", []);

    [Fact]
    public Task FileInAFolder() => SeenFromBothSides("memory-backend-file",
        new() { { "share", Value.From(true) }, { "mem-path", Value.From(InFolder("backing")) } });

    [Fact]
    public async Task FileWithAnOffset_IsMappedAtTheOffset()
    {
        await using (var file = File.Create(InFolder("long")))
            file.SetLength(2 * Size);
        await SeenFromBothSides("memory-backend-file", new()
        {
            { "share", Value.From(true) }, { "mem-path", Value.From(InFolder("long")) }, { "offset", Value.From(Size) },
        });
        using var written = File.OpenRead(InFolder("long"));
        written.Position = Size;
        Assert.Equal(0x77, written.ReadByte());
    }

    [FactIf(Root, Need.HugePages)]
    public Task Memfd_OnHugePages() => SeenFromBothSides("memory-backend-memfd", new() { { "hugetlb", Value.From(true) } });

    async Task SeenFromBothSides(string type, Members properties)
    {
        var all = SizeOf(Size);
        foreach (var (name, value) in properties)
            all.Add(name, value);
        await Client.AddObjectAsync(type, "m", all);
        await using var ours = await Client.MapAsync("m");
        Assert.Equal(Size, ours.Length);
        Assert.True(ours.Info.Share);
        Assert.Equal(properties.TryGet("offset", out var offset) ? offset : Value.From(0), Value.From((long)ours.Info.Offset));
        // The daemon's side: its address space, as the kernel shows it.
        using var theirs = new FileStream(string.Create(CultureInfo.InvariantCulture, $"/proc/{Daemon.Pid}/mem"),
            FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        var start = (long)InDaemon.Backend((ulong)Size).Start;

        ours.GetSpan(0, 1)[0] = 0x77;
        theirs.Position = start;
        Assert.Equal(0x77, theirs.ReadByte());
        theirs.Position = start + Size - 1;
        theirs.WriteByte(0x99);
        Assert.Equal(0x99, ours.GetReadOnlySpan(Size - 1, 1)[0]);
        Assert.Equal(Mapped("m"), await RefusedAsync(Client.DeleteObjectAsync("m")));
        await ours.DisposeAsync();
        await Client.DeleteObjectAsync("m");
    }

    [Fact]
    public async Task PrivateMemory_IsRefused()
    {
        await Client.AddObjectAsync("memory-backend-ram", "own", SizeOf(Size));
        Assert.Equal("memory of 'own' is private to the daemon and cannot be mapped", await RefusedAsync(Client.BorrowAsync("own")));
        await Client.DeleteObjectAsync("own");
    }

    [FactIf(Python3)]
    public async Task ReadOnlyLoan_CannotBeMappedWritable()
    {
        await AddMemfdAsync("ro");
        var consumer = NewConsumer();
        consumer.Do("borrow ro ro");
        Assert.Equal("failed: [Errno 13] Permission denied", consumer.Ask("map rw"));
        consumer.Do("map ro");
        Assert.True(Assert.Single(await Client.QueryMappingsAsync("ro")).ReadOnly);

        await using var ours = await Client.MapAsync("ro", readOnly: true);
        Assert.True(ours.IsReadOnly);
        Assert.Throws<InvalidOperationException>(() => ours.GetSpan(0, 1));
        Assert.Equal(0, ours.GetReadOnlySpan(0, 1)[0]);
    }

    [Fact]
    public async Task MemoryBeyondTwoGiB_IsSeenInSlices()
    {
        const long Large = 5L << 30;
        await AddMemfdAsync("large", Large);
        await using var memory = await Client.MapAsync("large");
        Assert.Equal(Large, memory.Length);
        memory.GetSpan(Large - 1, 1)[0] = 1;
        memory.GetSpan(3L << 30, int.MaxValue)[^1] = 2;
        Assert.Equal(2, memory.GetReadOnlySpan((3L << 30) + int.MaxValue - 1, 1)[0]);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.GetSpan(Large, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.GetReadOnlySpan(-1, 1));
    }
}
