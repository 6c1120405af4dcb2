using System.Globalization;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Qapi;

namespace HostMemd.Backend.Leases;

/// <summary>Lists who uses memory: the processes with a lease, and those that the kernel knows of.</summary>
public sealed class UserQuery(QomTree tree, LeaseTable leases, UserSearch search, StateLock state)
{
    /// <summary>The answer to <c>query-memdev-mappings</c>. Called <b>without</b> the state; reads /proc.</summary>
    /// <param name="id">Only this backend; null for all.</param>
    /// <exception cref="QmpException">There is no such backend.</exception>
    public async ValueTask<IReadOnlyList<MemdevMapping>> ListAsync(string? id)
    {
        HostMemoryBackend[] backends;
        Lease[] given;
        using (state.Enter())
        {
            backends = id is null ? [.. tree.Objects.Children.OfType<HostMemoryBackend>()] : [Lending.Find(tree, id)];
            given = [.. backends.SelectMany(leases.Of)];
        }
        // A process may have thousands of leases, and its name is a file to read: once for each process.
        var names = given.Select(l => l.Pid).Distinct().ToDictionary(pid => pid, pid => ProcessScan.NameOf(pid));
        List<MemdevMapping> result = [.. given.Select(l => OfLease(l, names[l.Pid]))];
        HashSet<(HostMemoryBackend, int)> borrowers = [.. given.Select(l => (l.Backend, l.Pid))];
        var files = backends.Where(b => b.Region?.Identity is not null).ToLookup(b => b.Region!.Identity!.Value);
        if (files.Count == 0)
            return result;
        var scan = await search.ScanAsync(files.Select(f => f.Key)).ConfigureAwait(false);
        foreach (var user in scan.Users)
            result.AddRange(files[user.File].Where(b => !borrowers.Contains((b, user.Pid))).Select(b => OfKernel(b, user)));
        var known = result.Select(m => m.Id).ToHashSet(StringComparer.Ordinal);
        var unnamed = backends.Where(b => !known.Contains(b.Name) && MayBeUsedUnseen(b, scan.Unseen));
        result.AddRange(unnamed.Select(b => OfUnseen(b, scan.Unseen)));
        return result;
    }

    static bool MayBeUsedUnseen(HostMemoryBackend backend, int unseen) =>
        backend.Region is { Identity: not null } region && UserSearch.MayBeUsedUnseen(region, unseen);

    static MemdevMapping OfLease(Lease lease, string comm) => new()
    {
        Id = lease.Backend.Name,
        Pid = lease.Pid,
        Comm = comm,
        Kind = MemdevMappingKind.Lease,
        Mapping = lease.Mapping,
        Name = lease.Name,
        ReadOnly = lease.IsReadOnly,
        Size = lease.Backend.Size,
        Since = lease.Since.ToUnixTimeSeconds(),
    };

    static MemdevMapping OfKernel(HostMemoryBackend backend, FileUser user) => new()
    {
        Id = backend.Name,
        Pid = user.Pid,
        Comm = user.Comm,
        Kind = MemdevMappingKind.Kernel,
        ReadOnly = user.IsReadOnly,
        Size = backend.Size,
    };

    static MemdevMapping OfUnseen(HostMemoryBackend backend, int unseen) => new()
    {
        Id = backend.Name,
        Kind = MemdevMappingKind.Unseen,
        Name = unseen == 0 ? "no process that is seen from here: one of another pid namespace, or a descriptor on its way"
            : string.Create(CultureInfo.InvariantCulture, $"processes that could not be looked at: {unseen}"),
        Size = backend.Size,
    };
}
