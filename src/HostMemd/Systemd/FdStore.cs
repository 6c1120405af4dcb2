using System.Globalization;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Systemd;

/// <summary>
/// systemd's descriptor store. Descriptors in it survive this process (sd_pid_notify_with_fds(3), FDSTORE). systemd does not answer, and
/// silently drops descriptors when the store is full (FileDescriptorStoreMax=). A pipe that is put in afterwards shows whether it did.
/// </summary>
sealed class FdStore(Notify notify)
{
    // After this time the object is made without the store.
    const int PatienceMilliseconds = 5000;

    long _probes;

    public bool IsEnabled => notify.IsEnabled && !IsOff;

    /// <summary>The service manager, which has the stored descriptors too: the main process's parent. Null without a store.</summary>
    public int? Keeper => IsEnabled && int.TryParse(Procfs.Status("PPid"), out var parent) ? parent : null;

    /// <summary>The manager stores nothing for this service and is not asked again.</summary>
    public bool IsOff { get; set; }

    /// <summary>Stores a descriptor under a name of its own. The caller keeps its own copy. Blocks.</summary>
    /// <returns>False when it may not be stored; the caller then removes it.</returns>
    public bool Put(string name, SafeFileHandle handle) => Send(name, "FDPOLL=0", handle) && HasRoom() is true;

    bool Send(string name, string poll, SafeFileHandle? handle) =>
        notify.Send($"FDSTORE=1\nFDNAME={name}\n{poll}", handle, PatienceMilliseconds);

    /// <summary>Removes the descriptor of that name.</summary>
    public bool Remove(string name) => notify.Send($"FDSTOREREMOVE=1\nFDNAME={name}", null, PatienceMilliseconds);

    /// <summary>Whether all descriptors so far were stored and one more has room. Blocks.</summary>
    /// <returns>Null when the manager does not answer.</returns>
    public bool? HasRoom()
    {
        if (Pipes.Create(out var read, out var write).Failed)
            return null;
        using (read)
        using (write)
        {
            // Several threads may probe; each removes its own. FDPOLL=1: if the daemon dies, systemd sees the pipe break and removes it.
            var name = string.Create(CultureInfo.InvariantCulture, $"probe-{Interlocked.Increment(ref _probes)}");
            if (!Send(name, "FDPOLL=1", write))
                return null;
            write!.Dispose();
            if (!Barrier())
                return null;
            if (Pipes.WaitForHangUp(read!, 0, out var closed).Ok && closed)
                return false;
            Remove(name);
            return true;
        }
    }

    /// <summary>Waits until systemd has handled all messages so far: it closes the other end of a pipe then. Blocks.</summary>
    public bool Barrier()
    {
        if (Pipes.Create(out var read, out var write).Failed)
            return false;
        using (read)
        using (write)
        {
            if (!notify.Send("BARRIER=1", write, PatienceMilliseconds))
                return false;
            write!.Dispose();
            return Pipes.WaitForHangUp(read!, PatienceMilliseconds, out var closed).Ok && closed;
        }
    }
}
