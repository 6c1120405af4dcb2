using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>epoll_create1(2), epoll_ctl(2), epoll_wait(2): waiting for many descriptors with one thread.</summary>
public static unsafe partial class Epoll
{
    public const int EPOLL_CLOEXEC = 0x80000;
    public const int EPOLL_CTL_ADD = 1;
    public const int EPOLL_CTL_DEL = 2;
    public const uint EPOLLIN = 0x1;
    public const uint EPOLLONESHOT = 0x40000000;

    // struct epoll_event is packed on x86-64 and nowhere else.
    const int Size = 12, SizeElsewhere = 16;

    static int EventSize => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? Size : SizeElsewhere;

    /// <returns>EMFILE, ENFILE, ENOMEM.</returns>
    public static Errno Create(out SafeFileHandle? epoll)
    {
        epoll = null;
        if (Faults.Hit(nameof(epoll_create1), out var error))
            return error;
        return Files.Own(epoll_create1(EPOLL_CLOEXEC), out epoll);
    }

    /// <summary>Reports <paramref name="fd"/> once when it becomes readable.</summary>
    /// <param name="epoll">From <see cref="Create"/>.</param>
    /// <param name="fd">Stays the caller's; closing it ends the watch if it is the last of its open file.</param>
    /// <param name="data">Handed back by <see cref="Wait"/>.</param>
    /// <returns>ENOSPC: fs.epoll.max_user_watches is reached; ENOMEM; EEXIST.</returns>
    public static Errno Watch(SafeFileHandle epoll, SafeFileHandle fd, long data)
    {
        if (Faults.Hit(nameof(epoll_ctl), out var error))
            return error;
        var held = false;
        try
        {
            fd.DangerousAddRef(ref held);
            var entry = stackalloc byte[SizeElsewhere];
            Unsafe.WriteUnaligned(entry, EPOLLIN | EPOLLONESHOT);
            Unsafe.WriteUnaligned(entry + (EventSize == Size ? 4 : 8), data);
            return epoll_ctl(epoll, EPOLL_CTL_ADD, (int)fd.DangerousGetHandle(), entry) == 0 ? Errno.None : Errno.Last;
        }
        finally
        {
            if (held)
                fd.DangerousRelease();
        }
    }

    /// <summary>Waits until something is ready.</summary>
    /// <param name="epoll">From <see cref="Create"/>.</param>
    /// <param name="ready">Takes the data of what is ready.</param>
    /// <param name="count">How many there are.</param>
    /// <returns>EBADF; EINTR is waited out.</returns>
    public static Errno Wait(SafeFileHandle epoll, Span<long> ready, out int count)
    {
        count = 0;
        var events = stackalloc byte[SizeElsewhere * 64];
        int got;
        do
        {
            if (Faults.Hit(nameof(epoll_wait), out var error))
                return error;
            got = epoll_wait(epoll, events, Math.Min(64, ready.Length), -1);
        }
        while (got < 0 && Errno.Last == Errno.EINTR);
        if (got < 0)
            return Errno.Last;
        for (; count < got; count++)
            ready[count] = Unsafe.ReadUnaligned<long>(events + count * EventSize + (EventSize == Size ? 4 : 8));
        return Errno.None;
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int epoll_ctl(SafeFileHandle epoll, int operation, int fd, byte* entry);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int epoll_wait(SafeFileHandle epoll, byte* events, int capacity, int timeout);
}
