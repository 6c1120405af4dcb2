using System.Runtime.InteropServices;

namespace HostMemd.Linux;

/// <summary>
/// futex(2), used for one thing it was not made for: to fault a page in without a signal and without changing it.
/// FUTEX_WAKE_OP lets the kernel do an atomic "or 0" on a word. If the page cannot be had the call fails with EFAULT where
/// an access of our own would be answered by SIGBUS, which kills the process. Being atomic it loses no write that a guest makes to
/// the same word at the same moment, as reading and writing back would. FUTEX_CMP_REQUEUE only reads the word.
/// </summary>
static unsafe partial class Futex
{
    internal const int FUTEX_CMP_REQUEUE = 4;
    internal const int FUTEX_WAKE_OP = 5;
    internal const int FUTEX_PRIVATE_FLAG = 128; // the key is our address space: no page lookup, and no waiter of another process
    internal const int FUTEX_OP_OR = 2;

    /// <summary>Faults in the page of a 4-byte aligned word.</summary>
    /// <returns>EFAULT where an access would get SIGBUS or SIGSEGV; ENOMEM out of memory: the page fault's own errors.</returns>
    internal static Errno Touch(nint word, bool write)
    {
        if (Faults.Hit(nameof(futex), out var error))
            return error;
        // No thread waits on guest memory, so waking and requeueing find none, whatever their counts.
        var result = write
            ? futex(Syscalls.SYS_futex, word, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0, word, FUTEX_OP_OR << 28)
            : futex(Syscalls.SYS_futex, word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 0, 0, word, 0);
        if (result >= 0)
            return Errno.None;
        var last = Errno.Last;
        return !write && last == Errno.EAGAIN ? Errno.None : last; // EAGAIN: the word was read and was not the 0 we named
    }

    [LibraryImport(Libc.Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint futex(nint number, nint word, nint operation, nint value, nint value2, nint word2, nint value3);
}
