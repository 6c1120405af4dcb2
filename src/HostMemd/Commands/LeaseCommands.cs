using System.Globalization;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Linux;
using HostMemd.Protocol;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Protocol.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>Lending memory, and telling who uses it.</summary>
static class LeaseCommands
{
    static readonly Lazy<int> s_ownPid = new(() => Procfs.OwnPid());
    static readonly Topic s_topic = new("Lending", "Lending memory to other processes, and listing who uses it.");

    // For the examples.
    const string Borrow = """{"id": "ram0", "name": "guest 7"}""";
    const string Borrowed = """
        {"mapping": "map1", "id": "ram0", "size": 2097152, "page-size": 4096, "share": true, "readonly": false, "offset": 0, "path": "<path>"}
        """;

    public static IEnumerable<Command> All(QomTree tree, LeaseTable leases, HolderSearch holders, StateLock state) =>
        s_topic.Of(Rows(tree, leases, holders, state));

    static IEnumerable<Command> Rows(QomTree tree, LeaseTable leases, HolderSearch holders, StateLock state)
    {
        yield return Command("memdev-map", "Lend memory to a process. The descriptor comes with the first byte of the reply.",
            MemdevMapped.Schema,
            Arg("id", Str, "The backend."),
            OptNullable("pid", Int, "The process that borrows, by its number in the daemon's pid namespace; the client's own if absent."),
            Opt("readonly", Bool, false, "Lend a descriptor that cannot be mapped writable."),
            Opt("name", Str, "Free text, for query-memdev-mappings."),
            (call, id, pid, readOnly, name) => Map(call, Find(tree, id), leases, pid, readOnly, name)).Extension()
            .Example(Borrow, Borrowed)
            .Fails(QmpErrors.ObjectNotFound("ram9"), """{"id": "ram9"}""")
            .Fails(QmpErrors.Expects("pid", "a process"), """{"id": "ram0", "pid": -1}""")
            .Fails(QmpErrors.ProcessNotWatched(2147483647, "No such process"), """{"id": "ram0", "pid": 2147483647}""")
            .MayFail(QmpErrors.NotLendable("ID"), QmpErrors.CannotLend("ID", "ERROR"));

        yield return Command("memdev-unmap", "End a lease. Mappings of the borrower stay until it unmaps them.", None,
            Arg("mapping", Str, "The lease, as memdev-map returned it."), (_, mapping) =>
        {
            leases.End(mapping);
            return default(Nothing);
        }).Extension()
            .With("memdev-map", Borrow, Borrowed)
            .Example("""{"mapping": "map1"}""")
            .Fails(QmpErrors.MappingNotFound("map1"), """{"mapping": "map1"}""");

        yield return Slow("query-memdev-mappings",
            "List the processes that use memory: those with a lease, and those that the kernel knows of.", ListOf(MemdevMapping.Schema),
            Opt("id", Str, "Only this backend."), (_, id) => QueryAsync(tree, leases, holders, state, id)).Extension().ForObservers()
            .With("memdev-map", Borrow, Borrowed)
            .Example("", """
                [{"id": "ram0", "kind": "lease", "mapping": "map1", "name": "guest 7", "pid": "<pid>", "comm": "<comm>",
                  "readonly": false, "size": 2097152, "since": "<since>"}]
                """)
            .Fails(QmpErrors.ObjectNotFound("ram9"), """{"id": "ram9"}""");
    }

    static HostMemoryBackend Find(QomTree tree, string id) =>
        tree.Objects.FindChild(id) is HostMemoryBackend { IsDoomed: false } found ? found : throw QmpErrors.ObjectNotFound(id);

    static MemdevMapped Map(Call call, HostMemoryBackend backend, LeaseTable leases, long? wanted, bool readOnly, string? name)
    {
        var descriptor = backend.OpenForLending(ref readOnly);
        Lease lease;
        try
        {
            var (pid, pidfd) = Process(call, wanted);
            lease = leases.Give(backend, pid, pidfd, name, readOnly);
            if (!readOnly && UserOf(call, pid) is { } user)
                backend.AdmitUser(user);
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
            Offset = region.Offset,
            Path = SeesOurNumber(call.Session.Peer.Pid)
                ? string.Create(CultureInfo.InvariantCulture, $"/proc/{s_ownPid.Value}/fd/{region.File!.DangerousGetHandle()}") : null,
        };
    }

    // Our number is another process's in any other pid namespace: where the client has none here, and where it has further ones inside
    // (proc_pid_status(5), NSpid). Of one whose status is hidden nothing is known.
    static bool SeesOurNumber(int client) => client != Lease.Unnumbered
        && (Procfs.Status("NSpid", client) is not { } numbers || !numbers.Contains('\t', StringComparison.Ordinal));

    // The descriptor that was taken keeps the number from being another process's meanwhile.
    static uint? UserOf(Call call, int pid) => pid == call.Session.Peer.Pid ? call.Session.Peer.Uid : Procfs.Uid(pid);

    static (int Pid, SafeFileHandle Pidfd) Process(Call call, long? wanted)
    {
        var peer = call.Session.Peer;
        if (wanted is null && peer.OpenPidfd() is { } own)
            return (peer.Pid, own);
        if (wanted is null && peer.Pid == Lease.Unnumbered)
            throw QmpErrors.ProcessNotWatched(peer.Pid, "it is in another pid namespace, and has ended or the kernel is older than Linux 6.5");
        var pid = wanted ?? peer.Pid;
        if (pid is <= 0 or > int.MaxValue)
            throw QmpErrors.Expects("pid", "a process");
        if (peer.Pid == Lease.Unnumbered)
            throw QmpErrors.NumberOfAnotherNamespace(pid);
        var errno = Pidfd.Open((int)pid, out var pidfd);
        return errno.Ok ? ((int)pid, pidfd!) : throw QmpErrors.ProcessNotWatched((int)pid, errno.Text);
    }

    static async ValueTask<IReadOnlyList<MemdevMapping>> QueryAsync(
        QomTree tree, LeaseTable leases, HolderSearch holders, StateLock state, string? id)
    {
        HostMemoryBackend[] backends;
        Lease[] given;
        using (state.Enter())
        {
            backends = id is null ? [.. tree.Objects.Children.OfType<HostMemoryBackend>()] : [Find(tree, id)];
            given = [.. backends.SelectMany(leases.Of)];
        }
        // A process may have thousands, and its name is a file to read: once for each, and with nothing held.
        var names = given.Select(l => l.Pid).Distinct().ToDictionary(pid => pid, pid => ProcessScan.NameOf(pid));
        List<MemdevMapping> result = [.. given.Select(l => Describe(l, names[l.Pid]))];
        HashSet<(HostMemoryBackend, int)> holding = [.. given.Select(l => (l.Backend, l.Pid))];
        var files = backends.Where(b => b.Region?.Identity is not null).ToLookup(b => b.Region!.Identity!.Value);
        if (files.Count == 0)
            return result;
        var scan = await holders.ScanAsync(files.Select(f => f.Key)).ConfigureAwait(false);
        foreach (var holder in scan.Holders)
        {
            result.AddRange(files[holder.File].Where(b => !holding.Contains((b, holder.Pid))).Select(b => new MemdevMapping
            {
                Id = b.Name,
                Pid = holder.Pid,
                Comm = holder.Comm,
                Kind = MemdevMappingKind.Kernel,
                ReadOnly = holder.IsReadOnly,
                Size = b.Size,
            }));
        }
        var known = result.Select(m => m.Id).ToHashSet(StringComparer.Ordinal);
        result.AddRange(backends.Where(b => !known.Contains(b.Name) && b.Region is { Identity: not null } r && HolderSearch.MayBeHeldUnseen(r, scan.Unseen))
            .Select(b => new MemdevMapping
            {
                Id = b.Name,
                Kind = MemdevMappingKind.Unseen,
                Name = scan.Unseen == 0 ? "no process that is seen from here: one of another pid namespace, or a descriptor on its way"
                    : string.Create(CultureInfo.InvariantCulture, $"processes that could not be looked at: {scan.Unseen}"),
                Size = b.Size,
            }));
        return result;
    }

    static MemdevMapping Describe(Lease lease, string comm) => new()
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
}
