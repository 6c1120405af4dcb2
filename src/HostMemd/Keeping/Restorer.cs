using System.Globalization;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Qom;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Keeping;

/// <summary>Makes objects and leases again from their records. A record that does not work out is told, never a reason not to start.</summary>
sealed class Restorer(ObjectRegistry objects, QomTree tree, LeaseTable leases, ILogger logger)
{
    /// <summary>The first thing that could have been had and was not, with the reason; null if there is none.</summary>
    public string? FirstFailure { get; private set; }

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
            if (!record.IsPrivateMemory)
                FirstFailure ??= $"{record.Options.QomType} {record.Options.Id}: {refusal.Message}";
            return false;
        }
    }

    /// <summary>Called with the state held.</summary>
    /// <param name="record">What it was.</param>
    /// <param name="process">A descriptor of its process, where that has no number here; it stays the caller's.</param>
    /// <returns>False if the lease is over; a lease that only cannot be watched now is told, and is not.</returns>
    public bool TryLend(LeaseRecord record, SafeFileHandle? process)
    {
        if (tree.Objects.FindChild(record.Id) is not HostMemoryBackend backend)
            return false;
        if (record.Pid == Lease.Unnumbered && process is null)
        {
            // The process before us knew it by a descriptor that nobody has kept. What it maps stays, by the kernel's word.
            Log.LeaseNotRestored(logger, record.Mapping, record.Id, record.Pid, "it is in another pid namespace and cannot be found again");
            return false;
        }
        var errno = process is null ? Pidfd.Open(record.Pid, out var pidfd) : Files.Duplicate(process, out pidfd);
        if (errno.Failed)
            return errno != Errno.ESRCH && Tell(record, errno.Text);
        // The number may be another process's by now; its start time is not. Where one of the two could not be read, a lease too many
        // is the lesser evil: it ends with that process.
        if (record.StartTime != LeaseRecord.UnknownStart && Procfs.StartTime(record.Pid) is { } started && started != record.StartTime)
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
        catch (QmpException refusal)
        {
            // It may have ended just now.
            return record.Pid != Lease.Unnumbered
                && Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{record.Pid}")) && Tell(record, refusal.Message);
        }
    }

    bool Tell(LeaseRecord record, string reason)
    {
        Log.LeaseNotRestored(logger, record.Mapping, record.Id, record.Pid, reason);
        FirstFailure ??= $"{record.Mapping} of {record.Id}: {reason}";
        return true;
    }
}
