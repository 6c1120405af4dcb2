using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Regions;

/// <summary>
/// Maps a descriptor by QEMU's rules and in QEMU's order of checks: room in the file, alignment, offset, at least one page,
/// growing an empty file, mapping.
/// </summary>
sealed record Allocation
{
    /// <summary>From this size on memory is aligned so that transparent huge pages fit.</summary>
    const ulong HugeAlignment = 2 << 20;

    /// <summary>The name of the memory in error texts: the id, or the whole path.</summary>
    public required string Name { get; init; }
    public required ulong Size { get; init; }
    public required bool Share { get; init; }
    public required bool Reserve { get; init; }
    public ulong Align { get; init; }
    public ulong Offset { get; init; }
    public bool ReadOnlyMemory { get; init; }
    public bool Persistent { get; init; }

    /// <summary>The path of a file that is grown if it is empty, for the error text; null for a file that is not.</summary>
    public string? GrownPath { get; init; }

    /// <summary>
    /// Another process made the store, which is taken as it is: if a consumer has cut it off (ftruncate(2)), the rest is still there.
    /// </summary>
    public bool IsRestored { get; init; }

    /// <summary>Maps the file. The region takes the descriptor over; on failure it stays the caller's.</summary>
    /// <exception cref="QmpException">The file cannot be mapped; nothing is.</exception>
    public MemoryRegion Map(SafeFileHandle file)
    {
        Errno errno;
        if ((errno = Files.Status(file, out var status)).Failed || (errno = Files.FileSystem(file, out var fileSystem)).Failed)
            throw QmpErrors.CannotMap(errno.Text);
        var page = fileSystem.IsHugeTlb ? fileSystem.BlockSize : Host.PageSize;
        // The text for a file that is too small shows the size in whole host pages, as QEMU's does.
        var size = RoundUp(Size, Host.PageSize);
        // QEMU asks sysfs as well; lseek(2) says 0 of such a device, and touching what is beyond its end is SIGBUS.
        var dax = status.IsCharDevice ? Sysfs.Dax(status.SpecialMajor, status.SpecialMinor) : null;
        var store = dax?.Size ?? StoreSize(file, status);
        if (store > 0 && store < unchecked(Offset + size) && !(IsRestored && status.IsRegular))
            throw QmpErrors.TooSmall(Name, store, size, Offset);
        if (dax is { } device && Align != 0 && Align < device.Alignment)
            throw QmpErrors.AlignmentStore(device.Alignment, Align);
        if (Align % page != 0)
            throw QmpErrors.AlignmentMultiple(Align, page);
        if (Align != 0 && !ulong.IsPow2(Align))
            throw QmpErrors.AlignmentPower(Align);
        if (Offset % page != 0)
            throw QmpErrors.OffsetMultiple(Offset, page);
        if (size < page)
            throw QmpErrors.SmallerThanPage(size, page);
        var length = RoundUp(size, page);
        // QEMU only warns when a file cannot be grown, and maps an empty one whose pages cannot be touched.
        var end = unchecked(Offset + length);
        errno = store == 0 && GrownPath is not null && status.IsRegular && !IsRestored ? Files.Truncate(file, end) : Errno.None;
        var region = Map(file, length, page, Math.Max(Align, dax?.Alignment ?? 0), fileSystem.IsTmpfs && page == Host.PageSize);
        if (errno.Ok)
            return region;
        region.Mapping.Dispose();
        throw QmpErrors.CannotResizeFile(GrownPath!, end, errno.Text);
    }

    // Devices other than regular files have no size of their own here; lseek says 0 or fails.
    static ulong StoreSize(SafeFileHandle file, FileStatus status) =>
        status.IsRegular ? status.Size : Files.End(file, out var end).Ok ? end : 0;

    MemoryRegion Map(SafeFileHandle file, ulong length, ulong page, ulong align, bool allocatesQuickly)
    {
        var flags = Share ? Mman.MAP_SHARED : Mman.MAP_PRIVATE;
        // Huge pages are reserved from a pool whatever the overcommit mode; shared memory is not accounted when mapped.
        if (!Reserve)
            flags |= NoReserve(always: page > Host.PageSize || Share || ReadOnlyMemory, () => QmpErrors.CannotMap(NoReserveReason));
        var request = new MapRequest
        {
            Length = length,
            PageSize = page,
            Alignment = Math.Max(Math.Max(page, align), length >= HugeAlignment ? HugeAlignment : 0),
            Protection = ReadOnlyMemory ? Mman.PROT_READ : Mman.PROT_READ | Mman.PROT_WRITE,
            File = file,
            Offset = Offset,
            Guard = true,
            Flags = Persistent && Share ? Mman.MAP_SHARED_VALIDATE | Mman.MAP_SYNC | (flags & Mman.MAP_NORESERVE) : flags,
        };
        var errno = MappedMemory.Map(request, out var mapping);
        // A file system without DAX: QEMU maps it as any other file.
        if (errno.Failed && request.Flags != flags && errno == Errno.EOPNOTSUPP)
            errno = MappedMemory.Map(request with { Flags = flags }, out mapping);
        if (errno.Failed)
            throw Headroom.Refusal(errno, length) ?? QmpErrors.CannotMap(errno.Text);
        return new(mapping!, file, page, Share) { IsReadOnly = ReadOnlyMemory, Offset = Offset, AllocatesQuickly = allocatesQuickly };
    }

    /// <summary>
    /// Opens a memfd anew and closes the descriptor it was made with. The kernel does not count the first open file of a memfd, so only
    /// on a reopened one does a write lease show whether there is another user.
    /// </summary>
    /// <param name="file">In: the memfd as it was made. Out: the reopened one. Unchanged on failure: the caller must not use the memory
    /// then, since it could never be deleted.</param>
    internal static Errno MakeCountable(ref SafeFileHandle file)
    {
        var errno = Files.Reopen(file, Files.O_RDWR | Files.O_CLOEXEC, out var reopened);
        if (errno.Failed)
            return errno;
        file.Dispose();
        file = reopened!;
        return errno;
    }

    internal static string NoReserveReason =>
        "reserve=off is not possible while /proc/sys/vm/overcommit_memory is 2";

    /// <summary>MAP_NORESERVE where the kernel honours it. It does not under overcommit mode 2 (proc(5)).</summary>
    internal static int NoReserve(bool always, Func<QmpException> refusal)
    {
        if (!always && Host.OvercommitMode(out var known) == 2 && known)
            throw refusal();
        return Mman.MAP_NORESERVE;
    }

    internal static ulong RoundUp(ulong size, ulong page) => unchecked((size + page - 1) / page * page);
}
