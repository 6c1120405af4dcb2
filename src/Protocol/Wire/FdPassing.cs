using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// Bytes and descriptors over a Unix socket, without waiting. recvmsg from the first byte on: a plain receive takes the bytes
/// and silently drops the descriptors that came with them.
/// </summary>
public static unsafe partial class FdPassing
{
    /// <summary>SCM_MAX_FD of unix(7): the kernel passes no more in one message.</summary>
    public const int MaxDescriptors = 253;

    public const int EAGAIN = 11;

    const int SCM_RIGHTS = 1;
    const int MSG_PEEK = 0x2;
    const int MSG_CTRUNC = 0x8;
    const int MSG_DONTWAIT = 0x40;
    const int MSG_NOSIGNAL = 0x4000;
    const int MSG_CMSG_CLOEXEC = 0x40000000;

    // struct iovec, struct msghdr, struct cmsghdr of recvmsg(2) and cmsg(3), 64-bit Linux.
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

    // The fault matrix compiles all sources into one assembly; Protocol itself knows no Backend.
    static int Injected(string call)
    {
#if FAULT_INJECTION
        if (Backend.Linux.Faults.Hit(call, out var error))
            return error.Number;
#endif
        return 0;
    }

    /// <summary>Receives what is there.</summary>
    /// <param name="socket">Where from.</param>
    /// <param name="bytes">Where to.</param>
    /// <param name="descriptors">Take over what came with the bytes.</param>
    /// <param name="most">How many descriptors there is room for; the kernel lets go of the others.</param>
    /// <returns>Bytes received, 0 at the end of input, or a negative errno.</returns>
    public static int Receive(SafeHandle socket, Span<byte> bytes, ReceivedDescriptors descriptors, int most = MaxDescriptors)
    {
        if (Injected("recvmsg") is > 0 and var failure)
            return -failure;
        // A request carries none or one; room for the most there can be, since what does not fit is lost.
        var capacity = sizeof(ControlHeader) + most * sizeof(int);
        var control = stackalloc byte[capacity];
        nint received;
        MessageHeader header;
        fixed (byte* start = bytes)
        {
            var vector = new IoVector { Base = start, Length = (nuint)bytes.Length };
            do
            {
                header = new() { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = (nuint)capacity };
                received = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            }
            while (received < 0 && Marshal.GetLastPInvokeError() == UnixSocket.EINTR);
        }
        if (received < 0)
            return -Marshal.GetLastPInvokeError();
        if (header.ControlLength != 0)
            Collect(control, (int)header.ControlLength, descriptors);
        return (int)received;
    }

    /// <summary>How many bytes a receive of that length would bring, and whether descriptors come with them; nothing is taken.</summary>
    /// <returns>Bytes, 0 at the end of input, or a negative errno.</returns>
    public static int Peek(SafeHandle socket, Span<byte> bytes, out bool hasDescriptors)
    {
        hasDescriptors = false;
        fixed (byte* start = bytes)
        {
            var vector = new IoVector { Base = start, Length = (nuint)bytes.Length };
            MessageHeader header;
            nint seen;
            do
            {
                header = new() { Vectors = &vector, VectorCount = 1 };
                seen = recvmsg(socket, &header, MSG_DONTWAIT | MSG_PEEK);
            }
            while (seen < 0 && Marshal.GetLastPInvokeError() == UnixSocket.EINTR);
            // Without room for any, their being there is all that the kernel has to say.
            hasDescriptors = (header.Flags & MSG_CTRUNC) != 0;
            return seen < 0 ? -Marshal.GetLastPInvokeError() : (int)seen;
        }
    }

    static void Collect(byte* control, int length, ReceivedDescriptors descriptors)
    {
        var handles = new List<SafeFileHandle>();
        for (var at = 0; at + sizeof(ControlHeader) <= length;)
        {
            var header = (ControlHeader*)(control + at);
            // MSG_CTRUNC cuts a message short, so the length is the kernel's word about what is there.
            var size = Math.Min((int)header->Length, length - at);
            if (size < sizeof(ControlHeader))
                break;
            if (header->Level == UnixSocket.SOL_SOCKET && header->Type == SCM_RIGHTS)
            {
                var numbers = (int*)(header + 1);
                for (var i = 0; i < (size - sizeof(ControlHeader)) / sizeof(int); i++)
                    handles.Add(new SafeFileHandle(numbers[i], ownsHandle: true));
            }
            at += (size + 7) & ~7;
        }
        if (handles.Count > 0)
            descriptors.Add(CollectionsMarshal.AsSpan(handles));
    }

    /// <summary>Sends what the socket takes; the descriptor, if any, goes with the first byte and stays the caller's too.</summary>
    /// <returns>Bytes sent or a negative errno; with an error the descriptor was not sent.</returns>
    public static int Send(SafeHandle socket, ReadOnlySpan<byte> bytes, SafeHandle? descriptor)
    {
        if (Injected("sendmsg") is > 0 and var failure)
            return -failure;
        var capacity = sizeof(ControlHeader) + 8;
        var control = stackalloc byte[capacity];
        var added = false;
        try
        {
            var header = new MessageHeader { VectorCount = 1 };
            if (descriptor is not null)
            {
                descriptor.DangerousAddRef(ref added);
                var rights = (ControlHeader*)control;
                *rights = new() { Length = (nuint)(sizeof(ControlHeader) + sizeof(int)), Level = UnixSocket.SOL_SOCKET, Type = SCM_RIGHTS };
                *(int*)(rights + 1) = (int)descriptor.DangerousGetHandle();
                header.Control = control;
                header.ControlLength = (nuint)capacity;
            }
            fixed (byte* start = bytes)
            {
                var vector = new IoVector { Base = start, Length = (nuint)bytes.Length };
                header.Vectors = &vector;
                nint sent;
                do
                    sent = sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
                while (sent < 0 && Marshal.GetLastPInvokeError() == UnixSocket.EINTR);
                return sent < 0 ? -Marshal.GetLastPInvokeError() : (int)sent;
            }
        }
        finally
        {
            if (added)
                descriptor!.DangerousRelease();
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvmsg(SafeHandle socket, MessageHeader* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(SafeHandle socket, MessageHeader* message, int flags);
}
