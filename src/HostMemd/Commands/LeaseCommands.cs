using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Linux;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Protocol.Contract.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>Lending memory, and listing who uses it.</summary>
static class LeaseCommands
{
    static readonly Topic s_topic = new("Lending", "Lending memory to other processes, and listing who uses it.");

    // For the examples.
    const string Borrow = """{"id": "ram0", "name": "guest 7"}""";
    const string Borrowed = """
        {"mapping": "map1", "id": "ram0", "size": 2097152, "page-size": 4096, "share": true, "readonly": false, "offset": 0, "path": "<path>"}
        """;

    public static IEnumerable<Command> All(LeaseTable leases, Lending lending, UserQuery users) =>
        s_topic.Of(Rows(leases, lending, users));

    static IEnumerable<Command> Rows(LeaseTable leases, Lending lending, UserQuery users)
    {
        yield return Slow("memdev-map", "Lend memory to a process. The descriptor comes with the first byte of the reply.",
            MemdevMapped.Schema,
            Arg("id", Str, "The backend."),
            OptNullable("pid", Int, "The process that borrows, by its number in the daemon's pid namespace; the client's own if absent."),
            Opt("readonly", Bool, false, "Lend a descriptor that cannot be mapped writable."),
            Opt("name", Str, "Free text, for query-memdev-mappings."),
            (call, id, pid, readOnly, name) => Map(lending, call, new(id, pid, readOnly, name, ClientOf(call)))).Extension()
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
            Opt("id", Str, "Only this backend."), (_, id) => users.ListAsync(id)).Extension().ForObservers()
            .With("memdev-map", Borrow, Borrowed)
            .Example("", """
                [{"id": "ram0", "kind": "lease", "mapping": "map1", "name": "guest 7", "pid": "<pid>", "comm": "<comm>",
                  "readonly": false, "size": 2097152, "since": "<since>"}]
                """)
            .Fails(QmpErrors.ObjectNotFound("ram9"), """{"id": "ram9"}""");
    }

    static ValueTask<MemdevMapped> Map(Lending lending, Call call, LoanRequest request)
    {
        var loan = lending.Lend(request);
        call.ReplyDescriptor = loan.Descriptor;
        return new(loan.Reply);
    }

    static LoanClient ClientOf(Call call)
    {
        var peer = call.Client.Peer;
        return new(peer.Pid, peer.Uid, peer.OpenPidfd);
    }
}
