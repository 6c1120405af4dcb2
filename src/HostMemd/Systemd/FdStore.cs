using System.Globalization;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Systemd;

/// <summary>
/// systemd's descriptor store: what is put there survives this process (sd_pid_notify_with_fds(3), FDSTORE). systemd does not answer,
/// also not when the store is full (FileDescriptorStoreMax=) and it drops what it got: that is found out by a pipe put in behind.
/// </summary>
sealed class FdStore(Notify notify)
{
    // A manager that takes longer is busy with something worse; the object is then made all the same.
    const int PatienceMilliseconds = 5000;

    long _probes;

    public bool IsEnabled => notify.IsEnabled && !IsOff;

    /// <summary>The manager keeps nothing for us: nobody is to ask it again.</summary>
    public bool IsOff { get; set; }

    /// <summary>Puts a descriptor there under a name of its own. It stays the caller's too. Blocks.</summary>
    /// <returns>False when it is not there for certain; the caller then removes it.</returns>
    public bool Put(string name, SafeFileHandle handle) => Send(name, "FDPOLL=0", handle) && HasRoom() is true;

    bool Send(string name, string poll, SafeFileHandle? handle) =>
        notify.Send($"FDSTORE=1\nFDNAME={name}\n{poll}", handle, PatienceMilliseconds);

    /// <summary>Removes what is there under that name.</summary>
    public bool Remove(string name) => notify.Send($"FDSTOREREMOVE=1\nFDNAME={name}", null, PatienceMilliseconds);

    /// <summary>All that was put there so far was taken, and there is room for one more. Blocks.</summary>
    /// <returns>Null when the manager does not answer.</returns>
    public bool? HasRoom()
    {
        if (Pipes.Create(out var read, out var write).Failed)
            return null;
        using (read)
        using (write)
        {
            // Several threads may be at it; each removes its own. FDPOLL: should we die, systemd sees the pipe break and removes it.
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

    /// <summary>Waits until all that was sent is done: systemd closes the other end of a pipe then. Blocks.</summary>
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
