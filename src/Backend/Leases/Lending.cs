using System.Globalization;
using System.Runtime.InteropServices;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Leases;

/// <summary>
/// Lends memory, and refuses to delete what is lent. A loan opens files and reads /proc, so most of it runs without the state: until the
/// lease is in the table, a count of the loans in preparation keeps the memory from being deleted.
/// </summary>
public sealed class Lending(QomTree tree, LeaseTable leases, UserSearch search, StateLock state) : IMemoryUsers
{
    static readonly Lazy<int> s_ownPid = new(() => Procfs.OwnPid());

    // Guarded by the state.
    readonly Dictionary<HostMemoryBackend, int> _inPreparation = [];

    /// <summary>Lends memory. Called <b>without</b> the state. Root and the daemon's own user may, by the command's role.</summary>
    /// <exception cref="QmpException">
    /// There is no such backend, or its deletion is under way; no other process can share its memory; the borrower is gone, or cannot be
    /// watched. No lease is given then.
    /// </exception>
    public Loan Lend(LoanRequest request)
    {
        var backend = Prepare(request.Id);
        try
        {
            return Lend(backend, request);
        }
        finally
        {
            EndPreparation(backend);
        }
    }

    /// <summary>The backend of that id, if it is not about to be deleted. Called with the state held.</summary>
    /// <exception cref="QmpException">There is none.</exception>
    internal static HostMemoryBackend Find(QomTree tree, string id) =>
        tree.Objects.FindChild(id) is HostMemoryBackend { IsDoomed: false } found ? found : throw QmpErrors.ObjectNotFound(id);

    HostMemoryBackend Prepare(string id)
    {
        using (state.Enter())
        {
            var backend = Find(tree, id);
            CollectionsMarshal.GetValueRefOrAddDefault(_inPreparation, backend, out _)++;
            return backend;
        }
    }

    void EndPreparation(HostMemoryBackend backend)
    {
        using (state.Enter())
        {
            if (--CollectionsMarshal.GetValueRefOrNullRef(_inPreparation, backend) == 0)
                _inPreparation.Remove(backend);
        }
    }

    Loan Lend(HostMemoryBackend backend, LoanRequest request)
    {
        var isReadOnly = request.IsReadOnly;
        var descriptor = backend.OpenForLending(ref isReadOnly);
        try
        {
            var (pid, pidfd) = BorrowerOf(request);
            var startTime = leases.IsRecorded() ? Procfs.StartTime(pid) : null;
            Lease lease;
            using (state.Enter())
                lease = leases.Give(backend, pid, pidfd, request.Name, isReadOnly, startTime);
            if (!isReadOnly && UserOf(request.Client, pid) is { } user)
                backend.AdmitUser(descriptor, user);
            return new(Describe(lease, request.Client), descriptor);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    static (int Pid, SafeFileHandle Pidfd) BorrowerOf(LoanRequest request)
    {
        var client = request.Client;
        if (request.Pid is null && client.OpenPidfd() is { } own)
            return (client.Pid, own);
        if (request.Pid is null && client.Pid == Lease.Unnumbered)
        {
            throw QmpErrors.ProcessNotWatched(client.Pid,
                "it is in another pid namespace, and has ended or the kernel is older than Linux 6.5");
        }
        var pid = request.Pid ?? client.Pid;
        if (pid is <= 0 or > int.MaxValue)
            throw QmpErrors.Expects("pid", "a process");
        if (client.Pid == Lease.Unnumbered)
            throw QmpErrors.NumberOfAnotherNamespace(pid);
        var errno = Pidfd.Open((int)pid, out var pidfd);
        return errno.Ok ? ((int)pid, pidfd!) : throw QmpErrors.ProcessNotWatched((int)pid, errno.Text);
    }

    // The lease's pidfd keeps the number from being another process's meanwhile.
    static uint? UserOf(LoanClient client, int pid) => pid == client.Pid ? client.Uid : Procfs.Uid(pid);

    static MemdevMapped Describe(Lease lease, LoanClient client)
    {
        var region = lease.Backend.Region!;
        return new()
        {
            Mapping = lease.Mapping,
            Id = lease.Backend.Name,
            Size = region.Mapping.Length,
            PageSize = region.PageSize,
            Share = region.IsShared,
            ReadOnly = lease.IsReadOnly,
            Offset = region.Offset,
            Path = SeesOurNumber(client.Pid)
                ? string.Create(CultureInfo.InvariantCulture, $"/proc/{s_ownPid.Value}/fd/{region.File!.DangerousGetHandle()}") : null,
        };
    }

    // In any other pid namespace the daemon's number is another process's: the client has no number here, or has further ones inside
    // (proc_pid_status(5), NSpid). A client whose status is hidden is taken for one of this namespace.
    static bool SeesOurNumber(int client) => client != Lease.Unnumbered
        && (Procfs.Status("NSpid", client) is not { } numbers || !numbers.Contains('\t', StringComparison.Ordinal));

    /// <inheritdoc/>
    public QmpException? Refusal(HostMemoryBackend backend)
    {
        state.AssertHeld();
        if (_inPreparation.ContainsKey(backend))
            return QmpErrors.ObjectMapped(backend.Name);
        var given = leases.Of(backend);
        if (given.Count == 0)
            return null;
        // QEMU's text, as long as query-memdev-mappings can name one of the borrowers.
        return given.All(l => l.Pid == Lease.Unnumbered)
            ? QmpErrors.ObjectLentElsewhere(backend.Name, given.First().Mapping) : QmpErrors.ObjectMapped(backend.Name);
    }

    /// <inheritdoc/>
    public async ValueTask<QmpException?> RefusalAsync(HostMemoryBackend backend)
    {
        if (backend.Region is not { } region)
            return null;
        // Null if the kernel does not say: the object may go then, and the log says what could not be seen.
        var isHeld = await search.IsUsedElsewhereAsync(region, () => IsFileOfAnother(backend)).ConfigureAwait(false);
        return isHeld == true ? QmpErrors.ObjectMapped(backend.Name) : null;
    }

    bool IsFileOfAnother(HostMemoryBackend backend)
    {
        using (state.Enter())
        {
            return tree.Objects.Children.OfType<HostMemoryBackend>()
                .Any(b => b != backend && b.Region?.Identity is { } file && file == backend.Region?.Identity);
        }
    }
}
