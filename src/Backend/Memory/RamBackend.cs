using HostMemd.Backend.Qom;
using HostMemd.Backend.Regions;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Memory;

/// <summary><c>memory-backend-ram</c>: private anonymous memory, or with <c>share=on</c> a memfd.</summary>
public sealed class RamBackend(BackendServices services, string id) : HostMemoryBackend(RamClass, services, id)
{
    // 2 MiB on x86-64: transparent huge pages fit.
    const ulong Alignment = 2 << 20;

    public static QomClass RamClass { get; } =
        new("memory-backend-ram", BackendClass, []) { IsCreatable = true };

    protected override bool IsAligned => false;

    protected override MemoryRegion Allocate()
    {
        var length = Allocation.RoundUp(Size, Host.PageSize);
        // QEMU aborts on the sizes whose rounding overflows.
        if (length < Size)
            throw QmpErrors.SizeTooLarge(Class.Name, Size);
        return Share ? AllocateShared(length) : AllocatePrivate(length);
    }

    MemoryRegion AllocatePrivate(ulong length)
    {
        var flags = Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS;
        if (!Reserve)
            flags |= Allocation.NoReserve(always: false, () => QmpErrors.CannotSetUp(RegionName, Allocation.NoReserveReason));
        return Map(length, flags, null);
    }

    MemoryRegion AllocateShared(ulong length)
    {
        var errno = Memfd.Create(MemfdName, Memfd.MFD_CLOEXEC, out var file);
        // QEMU's text and flags. Where the kernel has no memfds at all, QEMU takes anonymous memory, which no process could borrow.
        if (errno.Failed)
            throw QmpErrors.CannotCreateMemfd(Memfd.MFD_CLOEXEC, errno.Text);
        try
        {
            // From 2^63 on a length is EINVAL (ftruncate(2)); QEMU goes on after that and gets ENOMEM from mmap(2).
            if ((errno = Files.Truncate(file!, length)).Failed)
                throw QmpErrors.CannotSetUp(RegionName, (errno == Errno.EINVAL ? Errno.ENOMEM : errno).Text);
            if ((errno = Allocation.MakeCountable(ref file!)).Failed)
                throw QmpErrors.CannotSetUp(RegionName, errno.Text);
            return Reallocate(file);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    protected override MemoryRegion Reallocate(SafeFileHandle store) =>
        Map(Allocation.RoundUp(Size, Host.PageSize), Mman.MAP_SHARED | (Reserve ? 0 : Mman.MAP_NORESERVE), store);

    // memfd_create(2): at most 249 bytes. The name is for people who read /proc.
    string MemfdName => RegionName.Length <= 249 ? RegionName : RegionName[..249];

    MemoryRegion Map(ulong length, int flags, SafeFileHandle? file)
    {
        var request = new MapRequest
        {
            Length = length,
            PageSize = Host.PageSize,
            Alignment = Alignment,
            Protection = Mman.PROT_READ | Mman.PROT_WRITE,
            Flags = flags,
            File = file,
            Guard = true,
        };
        var errno = MappedMemory.Map(request, out var mapping);
        if (errno.Failed)
            throw Headroom.Refusal(errno, length) ?? QmpErrors.CannotSetUp(RegionName, errno.Text);
        return new(mapping!, file, Host.PageSize, file is not null) { AllocatesQuickly = file is not null };
    }
}
