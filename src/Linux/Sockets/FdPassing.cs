using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>Takes over the descriptors that came with one receive.</summary>
public delegate void DescriptorsReceived(ReadOnlySpan<SafeFileHandle> descriptors);

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

#pragma warning disable CS8981 // recvmsg(2), cmsg(3)
    internal struct msghdr
    {
        public void* msg_name;
        public uint msg_namelen;
        public ProcessVm.iovec* msg_iov;
        public nuint msg_iovlen;
        public void* msg_control;
        public nuint msg_controllen;
        public int msg_flags;
    }

    internal struct cmsghdr
    {
        public nuint cmsg_len;
        public int cmsg_level;
        public int cmsg_type;
    }
#pragma warning restore CS8981

    /// <inheritdoc cref="Receive(SafeHandle, Span{byte}, DescriptorsReceived, int, out bool)"/>
    public static int Receive(SafeHandle socket, Span<byte> bytes, DescriptorsReceived descriptors, int most = MaxDescriptors) =>
        Receive(socket, bytes, descriptors, most, out _);

    /// <summary>Receives what is there.</summary>
    /// <param name="socket">Where from.</param>
    /// <param name="bytes">Where to.</param>
    /// <param name="descriptors">Called once if descriptors came with the bytes, close-on-exec.</param>
    /// <param name="most">How many descriptors there is room for; the kernel lets go of the others.</param>
    /// <param name="truncated">The kernel let go of a descriptor: there was no room, or this process has none free (EMFILE).</param>
    /// <returns>Bytes received, 0 at the end of input, or a negative errno.</returns>
    public static int Receive(SafeHandle socket, Span<byte> bytes, DescriptorsReceived descriptors, int most, out bool truncated)
    {
        truncated = false;
        if (Faults.Hit(nameof(recvmsg), out var failure))
            return -failure.Number;
        // A request carries none or one; room for the most there can be, since what does not fit is lost.
        var capacity = sizeof(cmsghdr) + most * sizeof(int);
        var control = stackalloc byte[capacity];
        nint received;
        msghdr header;
        fixed (byte* start = bytes)
        {
            var vector = new ProcessVm.iovec { iov_base = (nint)start, iov_len = (nuint)bytes.Length };
            do
            {
                header = new() { msg_iov = &vector, msg_iovlen = 1, msg_control = control, msg_controllen = (nuint)capacity };
                received = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            }
            while (received < 0 && Marshal.GetLastPInvokeError() == UnixSocket.EINTR);
        }
        if (received < 0)
            return -Marshal.GetLastPInvokeError();
        truncated = (header.msg_flags & MSG_CTRUNC) != 0;
        if (header.msg_controllen != 0)
            Collect(control, (int)header.msg_controllen, descriptors);
        return (int)received;
    }

    /// <summary>How many bytes a receive of that length would bring, and whether descriptors come with them; nothing is taken.</summary>
    /// <returns>Bytes, 0 at the end of input, or a negative errno.</returns>
    public static int Peek(SafeHandle socket, Span<byte> bytes, out bool hasDescriptors)
    {
        hasDescriptors = false;
        fixed (byte* start = bytes)
        {
            var vector = new ProcessVm.iovec { iov_base = (nint)start, iov_len = (nuint)bytes.Length };
            msghdr header;
            nint seen;
            do
            {
                header = new() { msg_iov = &vector, msg_iovlen = 1 };
                seen = recvmsg(socket, &header, MSG_DONTWAIT | MSG_PEEK);
            }
            while (seen < 0 && Marshal.GetLastPInvokeError() == UnixSocket.EINTR);
            // Without room for any, their being there is all that the kernel has to say.
            hasDescriptors = (header.msg_flags & MSG_CTRUNC) != 0;
            return seen < 0 ? -Marshal.GetLastPInvokeError() : (int)seen;
        }
    }

    static void Collect(byte* control, int length, DescriptorsReceived descriptors)
    {
        var handles = new List<SafeFileHandle>();
        for (var at = 0; at + sizeof(cmsghdr) <= length;)
        {
            var header = (cmsghdr*)(control + at);
            // MSG_CTRUNC cuts a message short, so the length is the kernel's word about what is there.
            var size = Math.Min((int)header->cmsg_len, length - at);
            if (size < sizeof(cmsghdr))
                break;
            if (header->cmsg_level == UnixSocket.SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
            {
                var numbers = (int*)(header + 1);
                for (var i = 0; i < (size - sizeof(cmsghdr)) / sizeof(int); i++)
                    handles.Add(new SafeFileHandle(numbers[i], ownsHandle: true));
            }
            at += (size + 7) & ~7;
        }
        if (handles.Count > 0)
            descriptors(CollectionsMarshal.AsSpan(handles));
    }

    /// <summary>Sends what the socket takes; the descriptor, if any, goes with the first byte and stays the caller's too.</summary>
    /// <returns>Bytes sent or a negative errno; with an error the descriptor was not sent.</returns>
    public static int Send(SafeHandle socket, ReadOnlySpan<byte> bytes, SafeHandle? descriptor)
    {
        if (Faults.Hit(nameof(sendmsg), out var failure))
            return -failure.Number;
        var capacity = sizeof(cmsghdr) + 8;
        var control = stackalloc byte[capacity];
        var added = false;
        try
        {
            var header = new msghdr { msg_iovlen = 1 };
            if (descriptor is not null)
            {
                descriptor.DangerousAddRef(ref added);
                var rights = (cmsghdr*)control;
                *rights = new() { cmsg_len = (nuint)(sizeof(cmsghdr) + sizeof(int)), cmsg_level = UnixSocket.SOL_SOCKET, cmsg_type = SCM_RIGHTS };
                *(int*)(rights + 1) = (int)descriptor.DangerousGetHandle();
                header.msg_control = control;
                header.msg_controllen = (nuint)capacity;
            }
            fixed (byte* start = bytes)
            {
                var vector = new ProcessVm.iovec { iov_base = (nint)start, iov_len = (nuint)bytes.Length };
                header.msg_iov = &vector;
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
    private static partial nint recvmsg(SafeHandle socket, msghdr* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(SafeHandle socket, msghdr* message, int flags);
}
