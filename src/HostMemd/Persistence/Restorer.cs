using System.Globalization;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Qom;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Persistence;

/// <summary>Makes objects and leases again from their records. A record that fails is logged and does not stop the start.</summary>
sealed class Restorer(ObjectRegistry objects, QomTree tree, LeaseTable leases, ILogger logger)
{
    /// <summary>The first object or lease that is lost though it need not be, with the reason; null if there is none.</summary>
    public string? FirstFailure { get; private set; }

    /// <summary>Makes an object again.</summary>
    /// <param name="record">The object as the process before had it.</param>
    /// <param name="store">The descriptor of its memory, owned from here on; null if the memory has none.</param>
    /// <returns>False if it failed, which is logged.</returns>
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

    /// <summary>Goes on with a lease. Called with the state held.</summary>
    /// <param name="record">The lease as the process before had it.</param>
    /// <param name="process">The borrower's pidfd, if the borrower has no number here; it stays the caller's.</param>
    /// <returns>False if the lease is over. A lease that lasts and cannot be watched is logged, and its record stays.</returns>
    public bool TryLend(LeaseRecord record, SafeFileHandle? process)
    {
        if (tree.Objects.FindChild(record.Id) is not HostMemoryBackend backend)
            return false;
        if (record.Pid == Lease.Unnumbered && process is null)
        {
            // The process before knew the borrower by a descriptor that is gone. The kernel still reports what it maps.
            Log.LeaseNotRestored(logger, record.Mapping, record.Id, record.Pid, "it is in another pid namespace and cannot be found again");
            return false;
        }
        var errno = process is null ? Pidfd.Open(record.Pid, out var pidfd) : Files.Duplicate(process, out pidfd);
        if (errno.Failed)
            return errno != Errno.ESRCH && Lost(record, errno.Text);
        // The pid may belong to another process by now, which the start time shows. If a start time is unknown the lease goes on: one
        // too many does less harm, and ends with that process.
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
            // The process may have ended just now.
            return record.Pid != Lease.Unnumbered
                && Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{record.Pid}")) && Lost(record, refusal.Message);
        }
    }

    bool Lost(LeaseRecord record, string reason)
    {
        Log.LeaseNotRestored(logger, record.Mapping, record.Id, record.Pid, reason);
        FirstFailure ??= $"{record.Mapping} of {record.Id}: {reason}";
        return true;
    }
}
