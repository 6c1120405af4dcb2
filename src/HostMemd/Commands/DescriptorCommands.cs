using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using static HostMemd.Protocol.Contract.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>Descriptors that clients pass to the daemon.</summary>
static class DescriptorCommands
{
    static readonly Topic s_topic = new("Descriptors", "File descriptors that clients send along with commands.");

    static readonly QapiStruct<FdSets.Added> s_added = new("AddfdInfo", rows => rows
        .Row("fdset-id", Int, "The set it is in now.", a => a.SetId, (a, v) => a.SetId = v)
        .Row("fd", Int, "Its number in the daemon.", a => a.Fd, (a, v) => a.Fd = v));

    static readonly QapiStruct<FdSets.Entry> s_entry = new("FdsetFdInfo", rows => rows
        .Row("fd", Int, "Its number in the daemon.", f => f.Fd, (f, v) => f.Fd = v)
        .Opt("opaque", Str, "The text that came with add-fd.", f => f.Opaque, (f, v) => f.Opaque = v));

    static readonly QapiStruct<FdSets.Set> s_set = new("FdsetInfo", rows => rows
        .Row("fdset-id", Int, "The number of the set.", s => s.Id, (s, v) => s.Id = v)
        .Row("fds", ListOf(s_entry), "Its descriptors.", s => s.Fds, (s, v) => s.Fds = [.. v]));

    public static IEnumerable<Command> All(FdSets sets) => s_topic.Of(Rows(sets));

    static IEnumerable<Command> Rows(FdSets sets)
    {
        yield return Command("getfd", "Keep the descriptor that comes with this command under a name, for this client.", None,
            Arg("fdname", Str, "The name; not beginning with a digit. A descriptor that had it is closed."),
            (call, name) =>
            {
                using var received = call.TakeDescriptor();
                if (name.Length > 0 && char.IsAsciiDigit(name[0]))
                    throw QmpErrors.DescriptorName();
                call.Client.Named.Add(name, received.Release());
                return default(Nothing);
            })
            .Example("""{"fdname": "fd0"}""", withDescriptor: true)
            .Fails(QmpErrors.NoDescriptor(), """{"fdname": "fd1"}""")
            .Fails(QmpErrors.DescriptorName(), """{"fdname": "1st"}""", withDescriptor: true);

        yield return Command("closefd", "Close a named descriptor.", None, Arg("fdname", Str, "The name that getfd gave it."),
            (call, name) =>
            {
                call.Client.Named.Remove(name);
                return default(Nothing);
            })
            .With("getfd", """{"fdname": "fd0"}""", withDescriptor: true)
            .Example("""{"fdname": "fd0"}""")
            .Fails(QmpErrors.DescriptorNotFound("fd0"), """{"fdname": "fd0"}""");

        yield return Command("add-fd", "Add the descriptor that comes with this command to a set.", s_added,
            OptNullable("fdset-id", Int, "The number of the set; the smallest free one if absent."),
            Opt("opaque", Str, "Free text, for query-fdsets."), (call, id, opaque) =>
            {
                using var received = call.TakeDescriptor();
                if (id < 0)
                    throw QmpErrors.NotNegative("fdset-id");
                return sets.Add(received.Release(), id, opaque);
            })
            .Example("""{"fdset-id": 1, "opaque": "a file of mine"}""", """{"fdset-id": 1, "fd": "<fd>"}""", withDescriptor: true)
            .Fails(QmpErrors.NoDescriptor(), "")
            .Fails(QmpErrors.NotNegative("fdset-id"), """{"fdset-id": -1}""", withDescriptor: true);

        yield return Command("remove-fd", "Close a descriptor of a set, or all of them.", None,
            Arg("fdset-id", Int, "The number of the set."),
            OptNullable("fd", Int, "The descriptor's number in the daemon; all of the set if absent."), (_, id, fd) =>
            {
                sets.Remove(id, fd);
                return default(Nothing);
            })
            .With("add-fd", """{"fdset-id": 1}""", """{"fdset-id": 1, "fd": "<fd>"}""", withDescriptor: true)
            .Example("""{"fdset-id": 1}""")
            .Fails(QmpErrors.DescriptorNotFound("fdset-id:1"), """{"fdset-id": 1}""");

        yield return Command("query-fdsets", "List the sets and their descriptors.", ListOf(s_set), _ => sets.All()).ForObservers()
            .With("add-fd", """{"fdset-id": 1, "opaque": "a file of mine"}""", """{"fdset-id": 1, "fd": "<fd>"}""", withDescriptor: true)
            .Example("", """[{"fdset-id": 1, "fds": [{"fd": "<fd>", "opaque": "a file of mine"}]}]""");
    }
}
