using System.Runtime.InteropServices;

namespace HostMemd.Linux;

/// <summary>
/// Memory that is mapped, with its guard page. Unmapped when disposed, or by the finalizer if it was forgotten.
/// <para>Making it: a PROT_NONE reservation of length + alignment finds a place with an aligned start in it. All of the reservation but
/// the guard is given back, and the memory is mapped into the gap without permission to replace anything. Mapping with MAP_FIXED
/// over the reservation looks simpler, but when that fails the kernel may have removed the reservation already (mmap(2), NOTES), and
/// unmapping the range to undo it would then hit whatever another thread has mapped there since. This way what is not ours is
/// never touched, and no mapping is ever split, which would count against vm.max_map_count.</para>
/// </summary>
public sealed partial class MappedMemory : SafeHandle
{
    // Losing the gap takes another thread's mmap within microseconds; eight losses in a row mean something else is wrong.
    const int Attempts = 8;

    ulong _guard;

    MappedMemory()
        : base(-1, ownsHandle: true)
    {
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == -1;

    /// <summary>Mapped bytes: the request rounded up to its page size, without the guard.</summary>
    public ulong Length { get; private set; }

    /// <summary>Where it is, for reports and for looking it up in <see cref="Procfs"/>; not to be dereferenced.</summary>
    public ulong Address => (ulong)handle;

    /// <summary>Maps memory. After a failure nothing is left mapped.</summary>
    /// <param name="request">What to map.</param>
    /// <param name="memory">The memory, or null on failure.</param>
    /// <returns>mmap(2)'s error; ENOMEM also if length + alignment is more than an address can hold; EINVAL for length 0 and for an
    /// alignment or page size that is no power of two; EAGAIN if other threads took the chosen place eight times.</returns>
    public static Errno Map(MapRequest request, out MappedMemory? memory)
    {
        memory = null;
        var host = Host.PageSize;
        var page = Math.Max(request.PageSize, host);
        var alignment = Math.Max(request.Alignment, page);
        if (request.Length == 0 || !ulong.IsPow2(page) || !ulong.IsPow2(alignment))
            return Errno.EINVAL;
        var length = unchecked(request.Length + page - 1) & ~(page - 1);
        // The alignment is at least a page, so what is left behind the memory always has room for the guard.
        var reservation = unchecked(length + alignment);
        if (length < request.Length || reservation < length || reservation > (ulong)nint.MaxValue)
            return Errno.ENOMEM;

        // The object comes first: a managed out-of-memory after mmap would lose the mapping.
        MappedMemory made = new() { Length = length, _guard = request.Guard ? host : 0 };
        var error = Errno.EAGAIN;
        for (var i = 0; i < Attempts && error == Errno.EAGAIN; i++)
            error = made.Place(request, reservation, alignment);
        if (error.Ok)
            memory = made;
        else
            made.Dispose(); // its handle is invalid: nothing is unmapped
        return error;
    }

    // EAGAIN: the gap was lost to another thread, everything is undone, try again. mmap(2)'s own EAGAIN (locked memory) ends there too.
    Errno Place(MapRequest request, ulong reservation, ulong alignment)
    {
        const int Reserve = Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS | Mman.MAP_NORESERVE;
        var error = Mman.Map(0, reservation, Mman.PROT_NONE, Reserve, null, 0, out var start);
        if (error.Failed)
            return error;
        var address = (nint)(((ulong)start + alignment - 1) & ~(alignment - 1));
        var guard = address + (nint)Length;
        var end = start + (nint)reservation;
        var tail = (ulong)(end - guard) - _guard;

        error = Mman.Unmap(start, (ulong)(guard - start));
        if (error.Failed)
        {
            Undo(start, reservation);
            return error;
        }
        if (tail != 0 && (error = Mman.Unmap(guard + (nint)_guard, tail)).Failed)
        {
            Undo(guard, (ulong)(end - guard));
            return error;
        }

        // MAP_SHARED_VALIDATE refuses flags the file does not know (EOPNOTSUPP), this one among them; the address is then a mere
        // hint, as it is for kernels before 4.17. Either way the answer says where the memory is.
        var strict = (request.Flags & Mman.MAP_TYPE) == Mman.MAP_SHARED_VALIDATE;
        var flags = request.Flags | (strict ? 0 : Mman.MAP_FIXED_NOREPLACE);
        error = Mman.Map(address, Length, request.Protection, flags, request.File, request.Offset, out var got);
        if (error.Ok && got == address)
        {
            SetHandle(got);
            return Errno.None;
        }
        if (error.Ok)
            Undo(got, Length);
        if (_guard != 0)
            Undo(guard, _guard);
        return error.Ok || error == Errno.EEXIST ? Errno.EAGAIN : error;
    }

    static void Undo(nint address, ulong length)
    {
        var error = Mman.Unmap(address, length);
        if (error.Failed)
            UnexpectedFailures.Report($"munmap(0x{address:x}, {length}) while undoing a mapping: {error}");
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        // One call for both: they are neighbours, and only all of a mapping can be unmapped without room for one more (munmap(2), ENOMEM).
        var error = Mman.Unmap(handle, Length + _guard);
        if (error.Failed)
            UnexpectedFailures.Report($"munmap(0x{handle:x}, {Length + _guard}): {error}");
        return error.Ok;
    }
}
