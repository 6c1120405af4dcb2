using System.Runtime.InteropServices;

namespace HostMemd.Linux;

/// <summary>Whom an <see cref="EpollSet"/> tells that a descriptor is ready.</summary>
public interface IWatched
{
    int Descriptor { get; }

    /// <summary>EPOLLIN or EPOLLOUT of epoll_ctl(2); the end of the other side is told with either.</summary>
    uint Events { get; }

    /// <summary>It is ready, or was: to be told for nothing must do no harm. On the thread that waits.</summary>
    void Tell();
}

/// <summary>
/// An epoll(7), level-triggered: as long as a descriptor is ready, each wait tells of it. One can be watched by another, as any descriptor.
/// </summary>
public sealed unsafe partial class EpollSet : IWatched
{
    public const uint EPOLLIN = 1;
    public const uint EPOLLOUT = 4;

    // Of one epoll_wait: under load a call for each event would be half the work.
    const int Batch = 256;

    const int EPOLL_CLOEXEC = 0x80000;
    const int EPOLL_CTL_ADD = 1;
    const int EPOLL_CTL_DEL = 2;

    // struct epoll_event: 32 bits of events, 64 of the caller's, which only x86-64 packs.
    const int EventSize = 16;
    static readonly int s_stride = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : EventSize;
    static readonly int s_data = s_stride - sizeof(ulong);

    readonly Lock _changing = new();
    // By number of the descriptor.
    IWatched?[] _watched = new IWatched?[64];
    // What the last wait found; lives as long as the process, as the descriptor does.
    readonly byte* _events = (byte*)NativeMemory.Alloc(Batch, EventSize);

    /// <exception cref="IOException">No descriptor is left.</exception>
    public EpollSet()
    {
        Descriptor = epoll_create1(EPOLL_CLOEXEC);
        if (Descriptor < 0)
            throw UnixSocket.Failure("epoll_create1");
    }

    public int Descriptor { get; }

    public uint Events => EPOLLIN;

    /// <exception cref="IOException">epoll_ctl(2) failed: no memory, or too many are watched.</exception>
    public void Add(IWatched watched)
    {
        lock (_changing)
        {
            if (watched.Descriptor >= _watched.Length)
            {
                var more = new IWatched?[Math.Max(watched.Descriptor + 1, 2 * _watched.Length)];
                _watched.CopyTo(more, 0);
                // Whoever waits looks here without the lock.
                Volatile.Write(ref _watched, more);
            }
            _watched[watched.Descriptor] = watched;
        }
        var wanted = stackalloc byte[EventSize];
        *(uint*)wanted = watched.Events;
        *(ulong*)(wanted + s_data) = (ulong)watched.Descriptor;
        if (epoll_ctl(Descriptor, EPOLL_CTL_ADD, watched.Descriptor, wanted) != 0)
            throw UnixSocket.Failure("epoll_ctl");
    }

    /// <summary>Tells of it no more, but for what whoever waits has already heard.</summary>
    public void Remove(IWatched watched)
    {
        _ = epoll_ctl(Descriptor, EPOLL_CTL_DEL, watched.Descriptor, null);
        lock (_changing)
            _watched[watched.Descriptor] = null;
    }

    /// <summary>Waits until somebody is ready. One thread only.</summary>
    /// <param name="timeout">Milliseconds; -1: as long as it takes, 0: only looks.</param>
    /// <returns>How many are, for <see cref="Tell"/>.</returns>
    public int Wait(int timeout)
    {
        int count;
        while ((count = epoll_wait(Descriptor, _events, Batch, timeout)) < 0)
        {
            if (Marshal.GetLastPInvokeError() != UnixSocket.EINTR)
                throw UnixSocket.Failure("epoll_wait");
        }
        return count;
    }

    /// <summary>Tells those that <see cref="Wait"/> has found.</summary>
    public void Tell(int count)
    {
        var watched = Volatile.Read(ref _watched);
        // The number may be another's by now.
        for (var i = 0; i < count; i++)
            watched[*(int*)(_events + i * s_stride + s_data)]?.Tell();
    }

    void IWatched.Tell() => Tell(Wait(0));

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int descriptor, byte* wanted);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, byte* events, int most, int timeout);
}
