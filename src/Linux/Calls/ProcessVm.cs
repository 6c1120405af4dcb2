using System.Runtime.InteropServices;

namespace HostMemd.Linux;

/// <summary>process_vm_readv(2), process_vm_writev(2) on this process: copying that reports EFAULT instead of raising SIGBUS.</summary>
static unsafe partial class ProcessVm
{
#pragma warning disable CS8981 // the kernel's spelling
    internal struct iovec
    {
        internal nint iov_base;
        internal nuint iov_len;
    }
#pragma warning restore CS8981

    internal static Errno Read(nint from, Span<byte> into)
    {
        if (Faults.Hit(nameof(process_vm_readv), out var error))
            return error;
        fixed (byte* p = into)
        {
            iovec local = new() { iov_base = (nint)p, iov_len = (nuint)into.Length };
            iovec remote = new() { iov_base = from, iov_len = (nuint)into.Length };
            return Whole(process_vm_readv(Environment.ProcessId, &local, 1, &remote, 1, 0), into.Length);
        }
    }

    internal static Errno Write(nint to, ReadOnlySpan<byte> from)
    {
        if (Faults.Hit(nameof(process_vm_writev), out var error))
            return error;
        fixed (byte* p = from)
        {
            iovec local = new() { iov_base = (nint)p, iov_len = (nuint)from.Length };
            iovec remote = new() { iov_base = to, iov_len = (nuint)from.Length };
            return Whole(process_vm_writev(Environment.ProcessId, &local, 1, &remote, 1, 0), from.Length);
        }
    }

    // A count short of what was asked means that a page on the way could not be had: process_vm_readv(2), RETURN VALUE.
    static Errno Whole(nint done, int asked) => done < 0 ? Errno.Last : done == asked ? Errno.None : Errno.EFAULT;

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial nint process_vm_readv(int pid, iovec* local, nuint locals, iovec* remote, nuint remotes, nuint flags);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial nint process_vm_writev(int pid, iovec* local, nuint locals, iovec* remote, nuint remotes, nuint flags);
}
