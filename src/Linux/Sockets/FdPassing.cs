using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>Takes over the descriptors that came with one receive.</summary>
public delegate void DescriptorsReceived(ReadOnlySpan<SafeFileHandle> descriptors);

/// <summary>
/// Bytes and descriptors over a Unix socket, without waiting: recvmsg(2), sendmsg(2), cmsg(3). recvmsg from the first byte on: a plain
/// receive takes the bytes and silently drops the descriptors that came with them.
/// </summary>
public static unsafe partial class FdPassing
{
    /// <summary>SCM_MAX_FD of unix(7): the kernel passes no more in one message.</summary>
    public const int MaxDescriptors = 253;

    internal const int SCM_RIGHTS = 1;
    internal const int MSG_PEEK = 0x2;
    internal const int MSG_CTRUNC = 0x8;
    internal const int MSG_DONTWAIT = 0x40;
    internal const int MSG_NOSIGNAL = 0x4000;
    internal const int MSG_CMSG_CLOEXEC = 0x40000000;

#pragma warning disable CS8981 // the kernel's spelling
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

    /// <inheritdoc cref="Receive(SafeHandle, Span{byte}, DescriptorsReceived, int, out int, out bool)"/>
    public static Errno Receive(SafeHandle socket, Span<byte> bytes, DescriptorsReceived descriptors, out int received) =>
        Receive(socket, bytes, descriptors, MaxDescriptors, out received, out _);

    /// <summary>Receives what is there.</summary>
    /// <param name="socket">A connected socket.</param>
    /// <param name="bytes">Receives the bytes.</param>
    /// <param name="descriptors">Called once if descriptors came with the bytes; they are close-on-exec.</param>
    /// <param name="most">How many descriptors there is room for; the kernel closes the others.</param>
    /// <param name="received">Bytes received; 0 is the end of input.</param>
    /// <param name="truncated">The kernel closed a descriptor: there was no room, or this process has none free (EMFILE).</param>
    /// <returns>EAGAIN: nothing is there; ECONNRESET, ENOMEM, EBADF: recvmsg(2).</returns>
    public static Errno Receive(
        SafeHandle socket, Span<byte> bytes, DescriptorsReceived descriptors, int most, out int received, out bool truncated)
    {
        // A request carries none or one; room for the most there can be, since what does not fit is lost.
        var capacity = sizeof(cmsghdr) + most * sizeof(int);
        var control = stackalloc byte[capacity];
        var header = new msghdr { msg_control = control, msg_controllen = (nuint)capacity };
        var error = Receive(socket, bytes, ref header, MSG_CMSG_CLOEXEC, out received);
        truncated = error.Ok && (header.msg_flags & MSG_CTRUNC) != 0;
        if (error.Ok && header.msg_controllen != 0)
            Collect(control, (int)header.msg_controllen, descriptors);
        return error;
    }

    /// <summary>Looks at what a receive of that length would bring; nothing is taken.</summary>
    /// <param name="socket">A connected socket.</param>
    /// <param name="bytes">Receives a copy of the bytes.</param>
    /// <param name="seen">Bytes; 0 is the end of input.</param>
    /// <param name="hasDescriptors">Descriptors come with them.</param>
    /// <returns>As <see cref="Receive(SafeHandle, Span{byte}, DescriptorsReceived, int, out int, out bool)"/>.</returns>
    public static Errno Peek(SafeHandle socket, Span<byte> bytes, out int seen, out bool hasDescriptors)
    {
        var header = new msghdr();
        var error = Receive(socket, bytes, ref header, MSG_PEEK, out seen);
        // Without room for any, the kernel reports only that they are there.
        hasDescriptors = error.Ok && (header.msg_flags & MSG_CTRUNC) != 0;
        return error;
    }

    static Errno Receive(SafeHandle socket, Span<byte> bytes, ref msghdr asked, int flags, out int received)
    {
        received = 0;
        fixed (byte* start = bytes)
        {
            var vector = new ProcessVm.iovec { iov_base = (nint)start, iov_len = (nuint)bytes.Length };
            while (true)
            {
                if (Faults.Hit(nameof(recvmsg), out var error))
                    return error;
                var header = asked with { msg_iov = &vector, msg_iovlen = 1 };
                var result = recvmsg(socket, &header, MSG_DONTWAIT | flags);
                if (result >= 0)
                {
                    asked = header;
                    received = (int)result;
                    return Errno.None;
                }
                if (Errno.Last != Errno.EINTR)
                    return Errno.Last;
            }
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

    /// <summary>Sends what the socket takes.</summary>
    /// <param name="socket">A connected socket.</param>
    /// <param name="bytes">At least one.</param>
    /// <param name="descriptor">Goes with the first byte and stays the caller's too; null for none. After a failure it was not
    /// sent.</param>
    /// <param name="sent">Bytes sent; 0 on failure.</param>
    /// <returns>EAGAIN: there is no room; EPIPE, ECONNRESET: the peer is gone; ENOBUFS, ENOMEM, ETOOMANYREFS: sendmsg(2).</returns>
    public static Errno Send(SafeHandle socket, ReadOnlySpan<byte> bytes, SafeHandle? descriptor, out int sent)
    {
        sent = 0;
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
                var length = (nuint)(sizeof(cmsghdr) + sizeof(int));
                *rights = new() { cmsg_len = length, cmsg_level = UnixSocket.SOL_SOCKET, cmsg_type = SCM_RIGHTS };
                *(int*)(rights + 1) = (int)descriptor.DangerousGetHandle();
                header.msg_control = control;
                header.msg_controllen = (nuint)capacity;
            }
            fixed (byte* start = bytes)
            {
                var vector = new ProcessVm.iovec { iov_base = (nint)start, iov_len = (nuint)bytes.Length };
                header.msg_iov = &vector;
                while (true)
                {
                    if (Faults.Hit(nameof(sendmsg), out var error))
                        return error;
                    var result = sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
                    if (result >= 0)
                    {
                        sent = (int)result;
                        return Errno.None;
                    }
                    if (Errno.Last != Errno.EINTR)
                        return Errno.Last;
                }
            }
        }
        finally
        {
            if (added)
                descriptor!.DangerousRelease();
        }
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial nint recvmsg(SafeHandle socket, msghdr* message, int flags);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial nint sendmsg(SafeHandle socket, msghdr* message, int flags);
}
