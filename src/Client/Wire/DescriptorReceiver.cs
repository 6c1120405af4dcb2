using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Client.Wire;

/// <summary>
/// recvmsg(2) without waiting: a plain receive takes the bytes and silently drops the descriptors that came with them.
/// </summary>
static unsafe partial class DescriptorReceiver
{
    public const int EAGAIN = 11;

    // SCM_MAX_FD of unix(7): the kernel passes no more in one message.
    const int MaxDescriptors = 253;

    const int SOL_SOCKET = 1;
    const int SCM_RIGHTS = 1;
    const int MSG_CTRUNC = 0x8;
    const int MSG_DONTWAIT = 0x40;
    const int MSG_CMSG_CLOEXEC = 0x40000000;
    const int EINTR = 4;

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

#pragma warning disable CS0649 // filled by the kernel
    struct ControlHeader
    {
        public nuint Length;
        public int Level;
        public int Type;
    }
#pragma warning restore CS0649

    /// <summary>Receives what is there.</summary>
    /// <param name="socket">Where from.</param>
    /// <param name="bytes">Where to.</param>
    /// <param name="descriptors">Takes what came, close-on-exec; null stands for one that the kernel could not give us.</param>
    /// <returns>Bytes received, 0 at the end of input, or a negative errno.</returns>
    public static int Receive(SafeHandle socket, Span<byte> bytes, Queue<SafeFileHandle?> descriptors)
    {
        var capacity = sizeof(ControlHeader) + MaxDescriptors * sizeof(int);
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
            while (received < 0 && Marshal.GetLastPInvokeError() == EINTR);
        }
        if (received < 0)
            return -Marshal.GetLastPInvokeError();
        Collect(control, (int)header.ControlLength, descriptors);
        // No descriptor free in this process (EMFILE): the reply must not be given the next one instead.
        if ((header.Flags & MSG_CTRUNC) != 0)
            descriptors.Enqueue(null);
        return (int)received;
    }

    static void Collect(byte* control, int length, Queue<SafeFileHandle?> descriptors)
    {
        for (var at = 0; at + sizeof(ControlHeader) <= length;)
        {
            var header = (ControlHeader*)(control + at);
            var size = Math.Min((int)header->Length, length - at);
            if (size < sizeof(ControlHeader))
                break;
            if (header->Level == SOL_SOCKET && header->Type == SCM_RIGHTS)
            {
                var numbers = (int*)(header + 1);
                for (var i = 0; i < (size - sizeof(ControlHeader)) / sizeof(int); i++)
                    descriptors.Enqueue(new SafeFileHandle(numbers[i], ownsHandle: true));
            }
            at += (size + 7) & ~7;
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvmsg(SafeHandle socket, MessageHeader* message, int flags);
}
