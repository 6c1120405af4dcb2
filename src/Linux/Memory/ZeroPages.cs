using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>
/// Fills the holes of shared memory in 4 KiB pages: userfaultfd(2), used for one thing that is not its purpose. UFFDIO_ZEROPAGE
/// allocates, clears and maps a range of pages of a tmpfs file in one call, without a page fault for each; a page that exists is
/// never changed. Nothing is watched: no fault is ever waited for. While one is open, our own access to a hole fails
/// (UFFD_FEATURE_SIGBUS), so nothing but <see cref="Fill"/> may touch the memory; other processes are not concerned.
/// </summary>
public sealed unsafe partial class ZeroPages : IDisposable
{
    internal const int UFFD_USER_MODE_ONLY = 1; // needs no privilege (Linux 5.11)
    internal const ulong UFFD_API = 0xaa;
    internal const ulong UFFD_FEATURE_SIGBUS = 1 << 7;
    internal const ulong UFFDIO_REGISTER_MODE_MISSING = 1;
    internal const int _UFFDIO_ZEROPAGE = 4;
    internal const uint UFFDIO_API = 0xc018aa3f;
    internal const uint UFFDIO_REGISTER = 0xc020aa00;
    internal const uint UFFDIO_UNREGISTER = 0x8010aa01;
    internal const uint UFFDIO_ZEROPAGE = 0xc020aa04;

    // The kernel's structures uffdio_api, uffdio_register and uffdio_zeropage are 64-bit words throughout.
    struct Words
    {
        public ulong First, Second, Third, Fourth;
    }

    readonly MappedMemory _memory;
    readonly SafeFileHandle _file;
    bool _held;

    ZeroPages(MappedMemory memory, SafeFileHandle file)
    {
        _memory = memory;
        _file = file;
        memory.DangerousAddRef(ref _held);
    }

    /// <summary>Opens one on all of the memory, which must be a shared, writable mapping of a tmpfs file.</summary>
    /// <returns>Null where the kernel does not have it, or not for this memory, or a filter forbids it.</returns>
    public static ZeroPages? TryOpen(MappedMemory memory)
    {
        if (Faults.Hit(nameof(userfaultfd), out _))
            return null;
        var fd = userfaultfd(Libc.PerArch(x64: 323, arm64: 282), Files.O_CLOEXEC | UFFD_USER_MODE_ONLY);
        if (fd < 0)
            return null;
        ZeroPages made = new(memory, new SafeFileHandle(fd, ownsHandle: true));
        Words api = new() { First = UFFD_API, Second = UFFD_FEATURE_SIGBUS };
        Words register = new() { First = memory.Address, Second = memory.Length, Third = UFFDIO_REGISTER_MODE_MISSING };
        if (made.Control(UFFDIO_API, ref api).Ok && made.Control(UFFDIO_REGISTER, ref register).Ok
            && (register.Fourth & 1ul << _UFFDIO_ZEROPAGE) != 0)
            return made;
        made.Dispose();
        return null;
    }

    /// <summary>Fills a range that is a hole throughout.</summary>
    /// <param name="offset">First byte, a multiple of the page size.</param>
    /// <param name="length">Bytes, likewise.</param>
    /// <returns>EEXIST: a page was there already; ENOENT after <see cref="Close"/>; ENOMEM and others: it cannot be had. What was
    /// filled before the failure stays.</returns>
    public Errno Fill(ulong offset, ulong length)
    {
        if (Faults.Hit(nameof(UFFDIO_ZEROPAGE), out var error))
            return error;
        for (var end = offset + length; offset < end;)
        {
            Words range = new() { First = _memory.Address + offset, Second = end - offset };
            error = Control(UFFDIO_ZEROPAGE, ref range);
            if (error.Ok)
                return error;
            // EAGAIN: it got only so far; the next call reports why.
            if (error != Errno.EAGAIN || (long)range.Fourth <= 0)
                return error;
            offset += range.Fourth;
        }
        return Errno.None;
    }

    /// <summary>Makes the memory ordinary again, for accesses of every kind. May be called again, and while another thread fills.</summary>
    public void Close()
    {
        Words range = new() { First = _memory.Address, Second = _memory.Length };
        var error = Control(UFFDIO_UNREGISTER, ref range);
        if (error.Failed)
            UnexpectedFailures.Report($"UFFDIO_UNREGISTER of {_memory.Length} bytes: {error}");
    }

    /// <summary>Ends it; no thread may be filling.</summary>
    public void Dispose()
    {
        _file.Dispose();
        if (!_held)
            return;
        _held = false;
        _memory.DangerousRelease();
    }

    Errno Control(uint request, ref Words argument)
    {
        if (Faults.Hit(nameof(ioctl), out var error))
            return error;
        fixed (Words* p = &argument)
            return ioctl(_file, request, p) >= 0 ? Errno.None : Errno.Last;
    }

    [LibraryImport(Libc.Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint userfaultfd(nint number, nint flags);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int ioctl(SafeFileHandle fd, nuint request, Words* argument);
}
