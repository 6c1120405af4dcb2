using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Integration.Harness;

/// <summary>The system calls that the tests make themselves: the daemon's own wrappers are what is tested.</summary>
static unsafe partial class Wire
{
    public const short POLLIN = 1;
    public const short POLLOUT = 4;
    public const int MSG_OOB = 1;

    const int SOL_SOCKET = 1;
    const int SCM_RIGHTS = 1;
    const int MSG_DONTWAIT = 0x40;
    const int MSG_NOSIGNAL = 0x4000;
    const int MSG_CMSG_CLOEXEC = 0x40000000;
    const int EINTR = 4;
    const int EAGAIN = 11;
    const int MaxDescriptors = 253;

    struct IoVector
    {
        public void* Base;
        public nuint Length;
    }

    struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    struct ControlHeader
    {
        public nuint Length;
        public int Level;
        public int Type;
    }

    struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    /// <summary>What of <paramref name="events"/> is possible (or went wrong) within that time; 0 when nothing is.</summary>
    public static short Poll(SafeHandle socket, short events, TimeSpan limit)
    {
        var entry = new PollEntry { Descriptor = (int)socket.DangerousGetHandle(), Events = events };
        var clock = System.Diagnostics.Stopwatch.StartNew();
        int ready;
        // A child that ends interrupts, whichever test it belongs to.
        do
            ready = poll(&entry, 1, (int)Math.Max(0, (limit - clock.Elapsed).TotalMilliseconds));
        while (ready < 0 && Marshal.GetLastPInvokeError() == EINTR);
        return ready > 0 ? entry.Returned : (short)0;
    }

    /// <summary>Sends what the socket takes, the descriptors with the first byte.</summary>
    /// <returns>Bytes, -1 when it takes none now, -2 when the other end is gone.</returns>
    public static int Send(SafeHandle socket, ReadOnlySpan<byte> bytes, ReadOnlySpan<int> descriptors, int flags = 0)
    {
        var length = sizeof(ControlHeader) + descriptors.Length * sizeof(int);
        var control = stackalloc byte[(length + 7) & ~7];
        var rights = (ControlHeader*)control;
        *rights = new() { Length = (nuint)length, Level = SOL_SOCKET, Type = SCM_RIGHTS };
        descriptors.CopyTo(new Span<int>(rights + 1, descriptors.Length));
        fixed (byte* start = bytes)
        {
            var vector = new IoVector { Base = start, Length = (nuint)bytes.Length };
            var header = new MessageHeader { Vectors = &vector, VectorCount = 1 };
            if (descriptors.Length > 0)
            {
                header.Control = control;
                header.ControlLength = (nuint)((length + 7) & ~7);
            }
            var sent = sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL | flags);
            if (sent >= 0)
                return (int)sent;
            return Marshal.GetLastPInvokeError() == EAGAIN ? -1 : -2;
        }
    }

    /// <summary>Receives what is there, descriptors too.</summary>
    /// <returns>Bytes, 0 at the end (also a broken one), -1 when there is nothing now.</returns>
    public static int Receive(SafeHandle socket, Span<byte> bytes, List<SafeFileHandle> descriptors)
    {
        var capacity = sizeof(ControlHeader) + MaxDescriptors * sizeof(int);
        var control = stackalloc byte[capacity];
        fixed (byte* start = bytes)
        {
            var vector = new IoVector { Base = start, Length = (nuint)bytes.Length };
            var header = new MessageHeader { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = (nuint)capacity };
            var received = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            if (received < 0)
                return Marshal.GetLastPInvokeError() == EAGAIN ? -1 : 0;
            if (header.ControlLength >= (nuint)sizeof(ControlHeader))
            {
                var rights = (ControlHeader*)control;
                for (var i = 0; i < ((int)rights->Length - sizeof(ControlHeader)) / sizeof(int); i++)
                    descriptors.Add(new SafeFileHandle(((int*)(rights + 1))[i], ownsHandle: true));
            }
            return (int)received;
        }
    }

    /// <summary>A pipe's two ends, to be sent somewhere.</summary>
    public static (SafeFileHandle Read, SafeFileHandle Write) Pipe()
    {
        const int O_CLOEXEC = 0x80000;
        var ends = stackalloc int[2];
        Assert.Equal(0, pipe2(ends, O_CLOEXEC));
        return (new(ends[0], true), new(ends[1], true));
    }

    /// <summary>fcntl(2) with F_GET_SEALS.</summary>
    public static int Seals(SafeFileHandle file) => fcntl(file, 1034, 0);

    /// <summary>fcntl(2) with F_ADD_SEALS.</summary>
    /// <returns>0, or the errno.</returns>
    public static int AddSeals(SafeFileHandle file, int seals) => fcntl(file, 1033, seals) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>ftruncate(2).</summary>
    /// <returns>0, or the errno.</returns>
    public static int Truncate(SafeFileHandle file, long length) => ftruncate(file, length) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>unix(7), SIOCOUTQ: bytes sent that the other end has not taken yet.</summary>
    public static int Untaken(SafeHandle socket)
    {
        var bytes = 0;
        Assert.Equal(0, ioctl(socket, 0x5411, &bytes));
        return bytes;
    }

    public static void Signal(int pid, int signal) => Assert.Equal(0, kill(pid, signal));

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvmsg(SafeHandle socket, MessageHeader* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(SafeHandle socket, MessageHeader* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollEntry* entries, nuint count, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pipe2(int* ends, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(SafeHandle file, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ftruncate(SafeFileHandle file, long length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(SafeHandle file, nuint request, int* argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);
}
