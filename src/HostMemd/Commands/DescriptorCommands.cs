using HostMemd.Protocol;
using HostMemd.Qapi;
using static HostMemd.Protocol.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>Descriptors that clients hand in.</summary>
static class DescriptorCommands
{
    static readonly QapiStruct<FdSets.Added> s_added = new("AddfdInfo", rows => rows
        .Row("fdset-id", Int, "The set it is in now.", a => a.SetId, (a, v) => a.SetId = v)
        .Row("fd", Int, "Its number in the daemon.", a => a.Fd, (a, v) => a.Fd = v));

    static readonly QapiStruct<FdSets.Entry> s_entry = new("FdsetFdInfo", rows => rows
        .Row("fd", Int, "Its number in the daemon.", f => f.Fd, (f, v) => f.Fd = v)
        .Opt("opaque", Str, "What was said of it when it was added.", f => f.Opaque, (f, v) => f.Opaque = v));

    static readonly QapiStruct<FdSets.Set> s_set = new("FdsetInfo", rows => rows
        .Row("fdset-id", Int, "The set.", s => s.Id, (s, v) => s.Id = v)
        .Row("fds", ListOf(s_entry), "Its descriptors.", s => s.Fds, (s, v) => s.Fds = [.. v]));

    public static IEnumerable<Command> All(FdSets sets)
    {
        yield return Command("getfd", "Name the descriptor that comes with this command.", None, Arg("fdname", Str, "The name."),
            (call, name) =>
            {
                using var received = call.TakeDescriptor();
                if (name.Length > 0 && char.IsAsciiDigit(name[0]))
                    throw QmpErrors.DescriptorName();
                call.Session.Named.Add(name, received.Release());
                return default(Nothing);
            });

        yield return Command("closefd", "Close a named descriptor.", None, Arg("fdname", Str, "The name."), (call, name) =>
        {
            call.Session.Named.Remove(name);
            return default(Nothing);
        });

        yield return Command("add-fd", "Add the descriptor that comes with this command to a set.", s_added,
            OptNullable("fdset-id", Int, "The set; the smallest free number if absent."),
            Opt("opaque", Str, "Free text."), (call, id, opaque) =>
            {
                using var received = call.TakeDescriptor();
                if (id < 0)
                    throw QmpErrors.NotNegative("fdset-id");
                return sets.Add(received.Release(), id, opaque);
            });

        yield return Command("remove-fd", "Close a descriptor of a set, or all of them.", None,
            Arg("fdset-id", Int, "The set."), OptNullable("fd", Int, "The descriptor; all of the set if absent."), (_, id, fd) =>
            {
                sets.Remove(id, fd);
                return default(Nothing);
            });

        yield return Command("query-fdsets", "List the sets.", ListOf(s_set), _ => sets.All()).ForObservers();
    }
}
