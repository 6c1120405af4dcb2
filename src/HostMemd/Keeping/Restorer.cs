using HostMemd.Backend.Leases;
using HostMemd.Backend.Linux;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Keeping;

/// <summary>Makes objects and leases again from their records. A record that does not work out is told, never a reason not to start.</summary>
sealed class Restorer(ObjectFactory objects, QomTree tree, LeaseTable leases, ILogger logger)
{
    /// <param name="record">What it was.</param>
    /// <param name="store">The descriptor of its memory, taken over; null if it is not kept in one.</param>
    public async Task<bool> TryMakeAsync(ObjectRecord record, SafeFileHandle? store)
    {
        try
        {
            if (record.Store is not null && store is null)
                throw QmpErrors.DescriptorNotFound(record.Store);
            await objects.RestoreAsync(record.Options, record.Owner, store, record.File).ConfigureAwait(false);
            return true;
        }
        catch (QmpException refusal)
        {
            store?.Dispose();
            Log.NotRestored(logger, record.Options.QomType, record.Options.Id, refusal.Message);
            return false;
        }
    }

    /// <summary>Called with the state held.</summary>
    public bool TryLend(LeaseRecord record)
    {
        if (tree.Objects.FindChild(record.Id) is not HostMemoryBackend backend)
            return false;
        // The number may be another process's by now; its start time is not.
        if (Pidfd.Open(record.Pid, out var pidfd).Failed)
            return false;
        if (Procfs.StartTime(record.Pid) != record.StartTime)
        {
            pidfd!.Dispose();
            return false;
        }
        try
        {
            leases.Restore(new(record.Mapping, backend, record.Pid, record.Name, record.IsReadOnly,
                DateTimeOffset.FromUnixTimeSeconds(record.Since)), pidfd!);
            return true;
        }
        catch (QmpException)
        {
            // It ended just now.
            return false;
        }
    }
}
