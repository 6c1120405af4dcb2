using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>epoll(7): one thread waits for many descriptors. Any thread may add and remove.</summary>
public sealed unsafe partial class Epoll : IDisposable
{
    public const uint EPOLLIN = 0x1;
    public const uint EPOLLOUT = 0x4;
    public const uint EPOLLONESHOT = 0x40000000;
    internal const int EPOLL_CLOEXEC = 0x80000;
    internal const int EPOLL_CTL_ADD = 1;
    internal const int EPOLL_CTL_DEL = 2;

    // struct epoll_event: 32 bits of events, 64 of the caller's; only x86-64 packs it.
    const int EventBytes = 16;
    static readonly int s_stride = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : EventBytes;
    static readonly int s_data = s_stride - sizeof(long);

    readonly SafeFileHandle _epoll;
    readonly int _batch;
    // Pinned: the kernel writes it during the wait.
    readonly byte[] _events;

    Epoll(SafeFileHandle epoll, int batch)
    {
        _epoll = epoll;
        _batch = batch;
        _events = GC.AllocateUninitializedArray<byte>(batch * EventBytes, pinned: true);
    }

    /// <summary>The number of its own descriptor, which another epoll can watch.</summary>
    public int Descriptor => (int)_epoll.DangerousGetHandle();

    /// <summary>Makes an empty one.</summary>
    /// <param name="batch">The most events that one <see cref="Wait"/> returns.</param>
    /// <param name="made">Null on failure.</param>
    /// <returns>EMFILE, ENFILE, ENOMEM: epoll_create1(2).</returns>
    public static Errno Create(int batch, out Epoll? made)
    {
        made = null;
        if (Faults.Hit(nameof(epoll_create1), out var error))
            return error;
        error = Files.Own(epoll_create1(EPOLL_CLOEXEC), out var epoll);
        if (error.Ok)
            made = new(epoll!, batch);
        return error;
    }

    /// <summary>Watches a descriptor. Closing the last descriptor of an open file ends its watch.</summary>
    /// <param name="descriptor">Stays the caller's, who keeps it open during the call.</param>
    /// <param name="events">EPOLLIN, EPOLLOUT, EPOLLONESHOT. The end of the other side is reported with either direction.</param>
    /// <param name="data">Returned by <see cref="Data"/>.</param>
    /// <returns>ENOSPC: fs.epoll.max_user_watches is reached; ENOMEM; EEXIST: epoll_ctl(2).</returns>
    public Errno Add(int descriptor, uint events, long data)
    {
        if (Faults.Hit(nameof(epoll_ctl), out var error))
            return error;
        var entry = stackalloc byte[EventBytes];
        Unsafe.WriteUnaligned(entry, events);
        Unsafe.WriteUnaligned(entry + s_data, data);
        return epoll_ctl(_epoll, EPOLL_CTL_ADD, descriptor, entry) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>Stops watching. An event that <see cref="Wait"/> has already returned is still in its batch.</summary>
    /// <returns>ENOENT: it is not watched; EBADF: epoll_ctl(2).</returns>
    public Errno Remove(int descriptor)
    {
        if (Faults.Hit(nameof(epoll_ctl), out var error))
            return error;
        return epoll_ctl(_epoll, EPOLL_CTL_DEL, descriptor, null) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>Waits until something is ready. One thread at a time.</summary>
    /// <param name="milliseconds">-1 waits without end, 0 does not wait.</param>
    /// <param name="count">How many descriptors are ready; their data is in <see cref="Data"/> until the next wait.</param>
    /// <returns>EBADF, EINVAL: epoll_wait(2). After EINTR it waits anew.</returns>
    public Errno Wait(int milliseconds, out int count)
    {
        var events = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_events));
        do
        {
            count = 0;
            if (Faults.Hit(nameof(epoll_wait), out var error))
                return error;
            count = epoll_wait(_epoll, events, _batch, milliseconds);
            if (count >= 0)
                return Errno.None;
        }
        while (Errno.Last == Errno.EINTR);
        count = 0;
        return Errno.Last;
    }

    /// <summary>The data of a descriptor that the last <see cref="Wait"/> found ready.</summary>
    /// <param name="index">From 0 to the count less one.</param>
    public long Data(int index) => Unsafe.ReadUnaligned<long>(ref _events[index * s_stride + s_data]);

    /// <inheritdoc/>
    public void Dispose() => _epoll.Dispose();

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int epoll_ctl(SafeFileHandle epoll, int operation, int descriptor, byte* entry);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int epoll_wait(SafeFileHandle epoll, byte* events, int capacity, int timeout);
}
