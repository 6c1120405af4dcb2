using System.Numerics;
using HostMemd.Backend.Qom;
using HostMemd.Backend.Regions;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Backend.Memory;

/// <summary>
/// <c>memory-backend-memfd</c>: anonymous memory with a descriptor, in huge pages if <c>hugetlb</c> is set, sealed against resizing.
/// </summary>
public sealed class MemfdBackend : HostMemoryBackend
{
    const int Seals = Memfd.F_SEAL_SEAL | Memfd.F_SEAL_SHRINK | Memfd.F_SEAL_GROW;

    public static QomClass MemfdClass { get; } = new("memory-backend-memfd", BackendClass, new PropertyTable<MemfdBackend>()
        .Row("hugetlb", Bool, "Use huge pages", b => b.HugeTlb, (b, v) => b.HugeTlb = b.Unmapped(v))
        .Row("hugetlbsize", QapiTypes.Size, "Huge pages size (ex: 2M, 1G)", b => b.HugeTlbSize, (b, v) => b.SetHugeTlbSize(v),
            frozen: b => b.IsMapped ? QmpErrors.CannotChange() : null)
        .Row("seal", Bool, "Seal growing & shrinking", b => b.Seal, (b, v) => b.Seal = b.Unmapped(v))
        .Rows)
    {
        IsCreatable = true,
    };

    internal MemfdBackend(BackendServices services, string id) : base(MemfdClass, services, id) => Share = true;

    public bool HugeTlb { get; private set; }
    public ulong HugeTlbSize { get; private set; }
    public bool Seal { get; private set; } = true;

    // QEMU lets a client flip both after creation; they are then wrong.
    bool Unmapped(bool value) => IsMapped ? throw QmpErrors.CannotChange() : value;

    void SetHugeTlbSize(ulong size)
    {
        if (size == 0)
            throw QmpErrors.PropertyDoesNotTakeDotted(Class.Name, "hugetlbsize", "0");
        HugeTlbSize = size;
    }

    // The lowest bit decides: an odd size asks for the default huge page, as in QEMU.
    uint HugeShift()
    {
        if (HugeTlbSize == 0)
            return 0;
        var shift = BitOperations.TrailingZeroCount(HugeTlbSize);
        return shift == 0 || HugeTlbSize == 1UL << shift ? (uint)shift : throw QmpErrors.HugePageSizePower();
    }

    protected override MemoryRegion Allocate()
    {
        // In any case: QEMU refuses a malformed size even if huge pages are not wanted.
        var shift = HugeShift();
        var flags = Memfd.MFD_CLOEXEC | (Seal ? Memfd.MFD_ALLOW_SEALING : 0);
        if (HugeTlb)
            flags |= Memfd.MFD_HUGETLB | shift << Memfd.MFD_HUGE_SHIFT;
        var errno = Memfd.Create("memory-backend-memfd", flags, out var file);
        if (errno.Failed)
            throw QmpErrors.CannotCreateMemfd(flags, errno.Text);
        try
        {
            if ((errno = Files.Truncate(file!, Size)).Failed)
                throw QmpErrors.CannotResizeMemfd(Size, errno.Text);
            if (Seal && (errno = Memfd.AddSeals(file!, Seals)).Failed)
                throw QmpErrors.CannotSeal(Seals, errno.Text);
            if ((errno = Allocation.MakeCountable(ref file!)).Failed)
                throw QmpErrors.CannotCreateMemfd(flags, errno.Text);
            return Reallocate(file);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    protected override MemoryRegion Reallocate(SafeFileHandle store) =>
        new Allocation { Name = RegionName, Size = Size, Share = Share, Reserve = Reserve, IsRestored = IsRestored }.Map(store);
}
