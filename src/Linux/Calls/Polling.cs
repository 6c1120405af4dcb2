using System.Runtime.InteropServices;

namespace HostMemd.Linux;

/// <summary>poll(2) of one descriptor.</summary>
static unsafe partial class Polling
{
#pragma warning disable CS8981 // the kernel's spelling
    internal struct pollfd
    {
        internal int fd;
        internal short events;
        internal short revents;
    }
#pragma warning restore CS8981

    /// <summary>Waits until a descriptor is ready. After EINTR it waits for the rest of the time.</summary>
    /// <param name="descriptor">Kept open during the call.</param>
    /// <param name="events">POLL*; errors and the end of the other side are always reported.</param>
    /// <param name="milliseconds">0 does not wait, a negative time has no end.</param>
    /// <param name="found">POLL*; 0 when the time is up.</param>
    /// <returns>ENOMEM, EINVAL: poll(2); EBADF if it was closed meanwhile.</returns>
    internal static Errno Wait(SafeHandle descriptor, short events, int milliseconds, out short found)
    {
        found = 0;
        var deadline = Environment.TickCount64 + milliseconds;
        var held = false;
        try
        {
            descriptor.DangerousAddRef(ref held);
            var entry = new pollfd { fd = (int)descriptor.DangerousGetHandle(), events = events };
            while (true)
            {
                if (Faults.Hit(nameof(poll), out var error))
                    return error;
                if (poll(&entry, 1, milliseconds) >= 0)
                {
                    found = entry.revents;
                    return Errno.None;
                }
                if (Errno.Last != Errno.EINTR)
                    return Errno.Last;
                if (milliseconds > 0)
                    milliseconds = (int)Math.Max(0, deadline - Environment.TickCount64);
            }
        }
        catch (ObjectDisposedException)
        {
            return Errno.EBADF;
        }
        finally
        {
            if (held)
                descriptor.DangerousRelease();
        }
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int poll(pollfd* entries, nuint count, int timeout);
}
