using System.Buffers;

namespace HostMemd.Linux;

// What can be done to mapped memory. Every call holds the handle, so that a Dispose on another thread waits for it instead of
// letting it work on an address that belongs to another mapping by then.
public sealed partial class MappedMemory
{
    const int PagesPerStep = 16 * 1024; // 64 MiB of 4 KiB pages for 16 KiB of buffer

    /// <summary>madvise(2).</summary>
    /// <param name="offset">First byte, a multiple of the page size.</param>
    /// <param name="length">Bytes; the kernel rounds up to a page.</param>
    /// <param name="advice">MADV_*.</param>
    /// <returns>madvise(2)'s error; EINVAL for a range outside the memory.</returns>
    public Errno Advise(ulong offset, ulong length, int advice)
    {
        using Hold hold = new(this, offset, length);
        return hold.Error.Failed ? hold.Error : Mman.Advise(hold.Address, length, advice);
    }

    /// <summary>mbind(2) over all of the memory.</summary>
    /// <param name="mode">MPOL_*, with MPOL_F_STATIC_NODES or MPOL_F_RELATIVE_NODES as wanted.</param>
    /// <param name="mask">Bit n is node n.</param>
    /// <param name="maxnode">The highest node + 2, or 0 for no nodes: the kernel ignores the last bit that maxnode covers.</param>
    /// <param name="flags">MPOL_MF_*.</param>
    /// <returns>mbind(2)'s error; EINVAL if the mask is shorter than <paramref name="maxnode"/> says.</returns>
    public Errno Bind(int mode, ReadOnlySpan<ulong> mask, ulong maxnode, uint flags) => Bind(0, Length, mode, mask, maxnode, flags);

    /// <summary>mbind(2) over a part of the memory, which may split its mapping in up to three.</summary>
    /// <inheritdoc cref="Bind(int, ReadOnlySpan{ulong}, ulong, uint)"/>
    public Errno Bind(ulong offset, ulong length, int mode, ReadOnlySpan<ulong> mask, ulong maxnode, uint flags)
    {
        using Hold hold = new(this, offset, length);
        return hold.Error.Failed ? hold.Error : NumaCalls.Bind(hold.Address, length, mode, mask, maxnode, flags);
    }

    /// <summary>The policy of one address: get_mempolicy(2), MPOL_F_ADDR.</summary>
    /// <param name="offset">Any byte of the memory.</param>
    /// <param name="mode">MPOL_*, with its mode flags.</param>
    /// <param name="mask">Receives the nodes; sixteen words hold the largest set Linux knows.</param>
    /// <returns>get_mempolicy(2)'s error.</returns>
    public Errno PolicyAt(ulong offset, out int mode, Span<ulong> mask)
    {
        mode = 0;
        using Hold hold = new(this, offset, 1);
        return hold.Error.Failed ? hold.Error : NumaCalls.GetPolicy(out mode, mask, hold.Address, NumaCalls.MPOL_F_ADDR);
    }

    /// <summary>MADV_POPULATE_WRITE or MADV_POPULATE_READ: faults every page in, contents kept, no signal.</summary>
    /// <param name="offset">First byte, a multiple of the page size.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="write">Make the pages ready for writing, not only for reading.</param>
    /// <returns>EINVAL before Linux 5.14 and for special mappings; EFAULT where an access would get SIGBUS (a full tmpfs, no huge page
    /// left on the bound nodes); ENOMEM; EHWPOISON: madvise(2). What was populated before the failure stays.</returns>
    public Errno Populate(ulong offset, ulong length, bool write) =>
        Advise(offset, length, write ? Mman.MADV_POPULATE_WRITE : Mman.MADV_POPULATE_READ);

    /// <summary>Faults in one word of every page, contents kept, no signal: for kernels without <see cref="Populate"/>.</summary>
    /// <param name="offset">First byte, a multiple of 4.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="pageSize">Distance between the words, in bytes.</param>
    /// <param name="write">Make the pages ready for writing, not only for reading.</param>
    /// <returns>As <see cref="Populate"/>, but never EINVAL for a reason of the kernel's.</returns>
    public Errno Touch(ulong offset, ulong length, ulong pageSize, bool write)
    {
        using Hold hold = new(this, offset, length);
        if (hold.Error.Failed)
            return hold.Error;
        if (pageSize < Host.PageSize || offset % 4 != 0)
            return Errno.EINVAL;
        for (ulong at = 0; at < length; at += pageSize)
        {
            var error = Futex.Touch(hold.Address + (nint)at, write);
            if (error.Failed)
                return error;
        }
        return Errno.None;
    }

    /// <summary>How much is in memory now: mincore(2), 64 MiB at a time.</summary>
    /// <param name="bytes">Resident bytes. For a shared file it counts pages that other processes brought in; for a file we
    /// neither own nor may write, the kernel claims all.</param>
    /// <returns>mincore(2)'s error.</returns>
    public Errno Resident(out ulong bytes)
    {
        bytes = 0;
        using Hold hold = new(this, 0, Length);
        if (hold.Error.Failed)
            return hold.Error;
        var page = Host.PageSize;
        var pages = ArrayPool<byte>.Shared.Rent(PagesPerStep);
        var error = Errno.None;
        for (ulong at = 0, step; at < Length && error.Ok; at += step)
        {
            step = Math.Min(Length - at, PagesPerStep * page);
            var part = pages.AsSpan(0, (int)(step / page));
            error = Mman.Resident(hold.Address + (nint)at, step, part);
            if (error.Failed)
                break;
            foreach (var one in part)
                bytes += (one & 1u) * page;
        }
        ArrayPool<byte>.Shared.Return(pages);
        return error;
    }

    /// <summary>What this process's page tables hold of it: pages that others brought in and we did not touch are not there.</summary>
    /// <param name="scan">Where to ask.</param>
    /// <param name="counts">Only meaningful without error.</param>
    /// <returns>ENOTTY before Linux 6.7; EPERM by a filter.</returns>
    public Errno CountPages(PageScan scan, out PageCounts counts)
    {
        counts = default;
        using Hold hold = new(this, 0, Length);
        return hold.Error.Failed ? hold.Error : scan.Count(hold.Address, Length, out counts);
    }

    /// <summary>The node of every page: move_pages(2) without target nodes.</summary>
    /// <param name="offset">First byte, a multiple of the page size.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="pageSize">Distance between the addresses asked about, in bytes.</param>
    /// <param name="statuses">One per page: the node, or a negative errno; -ENOENT, or -EFAULT on Linux 6.1, for a page that this process
    /// has not touched.</param>
    /// <returns>move_pages(2)'s error; EINVAL if <paramref name="statuses"/> is too short.</returns>
    public Errno NodesOf(ulong offset, ulong length, ulong pageSize, int[] statuses)
    {
        using Hold hold = new(this, offset, length);
        if (hold.Error.Failed)
            return hold.Error;
        if (pageSize == 0)
            return Errno.EINVAL;
        var count = length / pageSize + (length % pageSize == 0 ? 0u : 1u);
        return count > (ulong)statuses.Length ? Errno.EINVAL
            : NumaCalls.NodesOf(hold.Address, pageSize, statuses.AsSpan(0, (int)count));
    }

    /// <summary>Copies out of the memory, for tests and checks: process_vm_readv(2) on ourselves.</summary>
    /// <param name="offset">First byte.</param>
    /// <param name="into">Receives the bytes.</param>
    /// <returns>EFAULT where an access would get a signal; EINVAL for a range outside the memory.</returns>
    public Errno Read(ulong offset, Span<byte> into)
    {
        using Hold hold = new(this, offset, (ulong)into.Length);
        return hold.Error.Failed ? hold.Error : ProcessVm.Read(hold.Address, into);
    }

    /// <summary>Copies into the memory, for tests and checks: process_vm_writev(2) on ourselves.</summary>
    /// <param name="offset">First byte.</param>
    /// <param name="from">The bytes.</param>
    /// <returns>As <see cref="Read"/>.</returns>
    public Errno Write(ulong offset, ReadOnlySpan<byte> from)
    {
        using Hold hold = new(this, offset, (ulong)from.Length);
        return hold.Error.Failed ? hold.Error : ProcessVm.Write(hold.Address, from);
    }

    readonly ref struct Hold
    {
        readonly MappedMemory _memory;
        readonly bool _held;

        internal Hold(MappedMemory memory, ulong offset, ulong length)
        {
            _memory = memory;
            if (offset > memory.Length || length > memory.Length - offset)
            {
                Error = Errno.EINVAL;
                return;
            }
            try
            {
                memory.DangerousAddRef(ref _held);
                Address = memory.handle + (nint)offset;
            }
            catch (ObjectDisposedException)
            {
                Error = Errno.EFAULT; // what the kernel answers for an address where nothing is
            }
        }

        internal nint Address { get; }

        internal Errno Error { get; }

        public void Dispose()
        {
            if (_held)
                _memory.DangerousRelease();
        }
    }
}
