using HostMemd.Backend.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Systemd;

/// <summary>
/// systemd's descriptor store: what is put there survives this process (sd_pid_notify_with_fds(3), FDSTORE). systemd does not answer;
/// only that it has come so far can be waited for.
/// </summary>
sealed class FdStore(Notify notify)
{
    // A manager that takes longer is busy with something worse; the object is then made all the same.
    const int PatienceMilliseconds = 5000;

    public bool IsEnabled => notify.IsEnabled;

    /// <summary>Puts a descriptor there under a name of its own. It stays the caller's too.</summary>
    public bool Put(string name, SafeFileHandle handle) => notify.Send($"FDSTORE=1\nFDNAME={name}\nFDPOLL=0", handle, PatienceMilliseconds);

    /// <summary>Removes what is there under that name.</summary>
    public bool Remove(string name) => notify.Send($"FDSTOREREMOVE=1\nFDNAME={name}", null, PatienceMilliseconds);

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
            return Pipes.WaitForHangUp(read!, PatienceMilliseconds);
        }
    }
}
