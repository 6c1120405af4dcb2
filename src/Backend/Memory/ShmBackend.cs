using System.Globalization;
using HostMemd.Backend.Qom;
using HostMemd.Backend.Regions;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Memory;

/// <summary><c>memory-backend-shm</c>: POSIX shared memory, unlinked as soon as it is made.</summary>
public sealed class ShmBackend : HostMemoryBackend
{
    static int s_counter;

    public static QomClass ShmClass { get; } =
        new("memory-backend-shm", BackendClass, []) { IsCreatable = true };

    internal ShmBackend(BackendServices services, string id) : base(ShmClass, services, id) => Share = true;

    protected override MemoryRegion Allocate()
    {
        if (!Share)
            throw QmpErrors.ShmNotShared();
        var name = string.Create(CultureInfo.InvariantCulture,
            $"/qemu-{Environment.ProcessId}-shm-{Interlocked.Increment(ref s_counter) - 1}");
        var errno = Shm.Open(name, Files.O_RDWR | Files.O_CREAT | Files.O_EXCL, 0, out var file);
        if (errno.Failed)
            throw QmpErrors.CannotCreateShm(errno.Text);
        try
        {
            if ((errno = Shm.Unlink(name)).Failed)
                throw QmpErrors.CannotCreateShm(errno.Text);
            // While it had a name, no process was to open it. From here on the daemon must be able to, for lending, also if it is not root.
            if ((errno = Files.SetMode(file!, Files.OwnerOnly)).Failed)
                throw QmpErrors.CannotCreateShm(errno.Text);
            if ((errno = Files.Truncate(file!, Size)).Failed)
                throw QmpErrors.CannotResizeShm(Size, errno.Text);
            return Reallocate(file!);
        }
        catch
        {
            file!.Dispose();
            throw;
        }
    }

    protected override MemoryRegion Reallocate(SafeFileHandle store) =>
        new Allocation { Name = RegionName, Size = Size, Share = true, Reserve = Reserve, IsRestored = IsRestored }.Map(store);
}
