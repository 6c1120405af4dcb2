using System.Globalization;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Linux;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Protocol;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Protocol.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>Lending memory, and telling who uses it.</summary>
static class LeaseCommands
{
    sealed class Mapped
    {
        public string Mapping { get; set; } = "";
        public string Id { get; set; } = "";
        public ulong Size { get; set; }
        public ulong PageSize { get; set; }
        public bool Share { get; set; }
        public bool ReadOnly { get; set; }
        public string Path { get; set; } = "";
    }

    /// <summary>
    /// Lease: through memdev-map. Kernel: found at a process that has none. Unseen: the kernel says that somebody is there, and nobody
    /// was found among the processes that we may look at.
    /// </summary>
    enum Kind { Lease, Kernel, Unseen }

    sealed class Mapping
    {
        public string Id { get; set; } = "";
        public long Pid { get; set; }
        public string Comm { get; set; } = "";
        public Kind Kind { get; set; }
        public string? Lease { get; set; }
        public string? Name { get; set; }
        public bool ReadOnly { get; set; }
        public ulong Size { get; set; }
        public long? Since { get; set; }
    }

    static readonly QapiStruct<Mapped> s_mapped = new QapiStruct<Mapped>("MemdevMapped")
        .Row("mapping", Str, "The lease; for memdev-unmap.", m => m.Mapping, (m, v) => m.Mapping = v)
        .Row("id", Str, "The backend.", m => m.Id, (m, v) => m.Id = v)
        .Row("size", QapiTypes.Size, "Bytes to map, from offset 0 of the descriptor or that of the backend.", m => m.Size, (m, v) => m.Size = v)
        .Row("page-size", QapiTypes.Size, "Bytes of a page.", m => m.PageSize, (m, v) => m.PageSize = v)
        .Row("share", Bool, "The daemon's own mapping is shared, so both see the same.", m => m.Share, (m, v) => m.Share = v)
        .Row("readonly", Bool, "The descriptor cannot be mapped writable.", m => m.ReadOnly, (m, v) => m.ReadOnly = v)
        .Row("path", Str, "Opens the same memory, for those who cannot receive descriptors.", m => m.Path, (m, v) => m.Path = v);

    static readonly QapiStruct<Mapping> s_mapping = new QapiStruct<Mapping>("MemdevMapping")
        .Row("id", Str, "The backend.", m => m.Id, (m, v) => m.Id = v)
        .Row("pid", Int, "The process; 0 for unseen ones.", m => m.Pid, (m, v) => m.Pid = v)
        .Row("comm", Str, "Its name.", m => m.Comm, (m, v) => m.Comm = v)
        .Row("kind", new QapiEnum<Kind>("MemdevMappingKind", ("lease", Kind.Lease), ("kernel", Kind.Kernel), ("unseen", Kind.Unseen)),
            "How it is known.", m => m.Kind, (m, v) => m.Kind = v)
        .Opt("mapping", Str, "The lease.", m => m.Lease, (m, v) => m.Lease = v)
        .Opt("name", Str, "What was said of it, or how many processes could not be looked at.", m => m.Name, (m, v) => m.Name = v)
        .Row("readonly", Bool, "It cannot write to the memory.", m => m.ReadOnly, (m, v) => m.ReadOnly = v)
        .Row("size", QapiTypes.Size, "Bytes of the memory.", m => m.Size, (m, v) => m.Size = v)
        .Opt("since", Int, "When the lease was given, in seconds of Unix time.", m => m.Since, (m, v) => m.Since = v);

    public static IEnumerable<Command> All(QomTree tree, LeaseTable leases, HolderSearch holders, Lock state)
    {
        yield return Command("memdev-map", "Lend memory to a process. The descriptor comes with the first byte of the reply.", s_mapped,
            Arg("id", Str, "The backend."), OptNullable("pid", Int, "Whom it is for; the client's own process if absent."),
            Opt("readonly", Bool, false, "Lend a descriptor that cannot be mapped writable."), Opt("name", Str, "Free text."),
            (call, id, pid, readOnly, name) => Map(call, Find(tree, id), leases, pid, readOnly, name)).Extension();

        yield return Command("memdev-unmap", "Give memory back.", None, Arg("mapping", Str, "The lease."), (_, mapping) =>
        {
            leases.End(mapping);
            return default(Nothing);
        }).Extension();

        yield return Slow("query-memdev-mappings", "List who uses memory: the leases, and whom the kernel knows of.", ListOf(s_mapping),
            Opt("id", Str, "Only this backend."), (_, id) => QueryAsync(tree, leases, holders, state, id)).Extension().ForObservers();
    }

    static HostMemoryBackend Find(QomTree tree, string id) =>
        tree.Objects.FindChild(id) is HostMemoryBackend { IsDoomed: false } found ? found : throw QmpErrors.ObjectNotFound(id);

    static Mapped Map(Call call, HostMemoryBackend backend, LeaseTable leases, long? wanted, bool readOnly, string? name)
    {
        var descriptor = backend.OpenForLending(ref readOnly);
        Lease lease;
        try
        {
            var (pid, pidfd) = Process(call, wanted);
            lease = leases.Give(backend, pid, pidfd, name, readOnly);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
        call.ReplyDescriptor = descriptor;
        var region = backend.Region!;
        return new()
        {
            Mapping = lease.Mapping,
            Id = backend.Name,
            Size = region.Mapping.Length,
            PageSize = region.PageSize,
            Share = region.IsShared,
            ReadOnly = readOnly,
            Path = string.Create(CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}/fd/{region.File!.DangerousGetHandle()}"),
        };
    }

    static (int Pid, SafeFileHandle Pidfd) Process(Call call, long? wanted)
    {
        var peer = call.Session.Peer;
        if (wanted is null && peer.OpenPidfd() is { } own)
            return (peer.Pid, own);
        var pid = wanted ?? peer.Pid;
        if (pid is <= 0 or > int.MaxValue)
            throw QmpErrors.Expects("pid", "a process");
        var errno = Pidfd.Open((int)pid, out var pidfd);
        return errno.Ok ? ((int)pid, pidfd!) : throw QmpErrors.ProcessNotWatched((int)pid, errno.Text);
    }

    static async ValueTask<IReadOnlyList<Mapping>> QueryAsync(
        QomTree tree, LeaseTable leases, HolderSearch holders, Lock state, string? id)
    {
        HostMemoryBackend[] backends;
        List<Mapping> result;
        HashSet<(HostMemoryBackend, int)> holding;
        lock (state)
        {
            backends = id is null ? [.. tree.Objects.Children.OfType<HostMemoryBackend>()] : [Find(tree, id)];
            result = [.. backends.SelectMany(leases.Of).Select(Describe)];
            holding = [.. backends.SelectMany(leases.Of).Select(l => (l.Backend, l.Pid))];
        }
        var files = backends.Where(b => b.Region?.Identity is not null).ToLookup(b => b.Region!.Identity!.Value);
        if (files.Count == 0)
            return result;
        var scan = await holders.ScanAsync(files.Select(f => f.Key)).ConfigureAwait(false);
        foreach (var holder in scan.Holders)
        {
            result.AddRange(files[holder.File].Where(b => !holding.Contains((b, holder.Pid))).Select(b => new Mapping
            {
                Id = b.Name,
                Pid = holder.Pid,
                Comm = holder.Comm,
                Kind = Kind.Kernel,
                ReadOnly = holder.IsReadOnly,
                Size = b.Size,
            }));
        }
        var known = result.Select(m => m.Id).ToHashSet(StringComparer.Ordinal);
        result.AddRange(backends.Where(b => !known.Contains(b.Name) && b.Region is { } r && HolderSearch.MayBeHeldUnseen(r, scan.Unseen))
            .Select(b => new Mapping
            {
                Id = b.Name,
                Kind = Kind.Unseen,
                Name = string.Create(CultureInfo.InvariantCulture, $"{scan.Unseen} processes could not be looked at"),
                Size = b.Size,
            }));
        return result;
    }

    static Mapping Describe(Lease lease) => new()
    {
        Id = lease.Backend.Name,
        Pid = lease.Pid,
        Comm = ProcessScan.NameOf(lease.Pid),
        Kind = Kind.Lease,
        Lease = lease.Mapping,
        Name = lease.Name,
        ReadOnly = lease.IsReadOnly,
        Size = lease.Backend.Size,
        Since = lease.Since.ToUnixTimeSeconds(),
    };
}
