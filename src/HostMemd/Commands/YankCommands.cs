using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using static HostMemd.Protocol.Contract.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>QEMU's way out of connections that hang. No connection of the daemon can, so there are no instances.</summary>
static class YankCommands
{
    static readonly Topic s_topic = new("Yank",
        "QEMU's way out of hanging connections, for clients that expect it. Nothing here hangs on one.");

    public static IEnumerable<Command> All() => s_topic.Of(Rows());

    static IEnumerable<Command> Rows()
    {
        yield return Command("query-yank", "List the connections that yank can break: none.", ListOf(YankInstance.Type),
            _ => (IReadOnlyList<Value>)[])
            .OutOfBand().ForObservers()
            .Example("", "[]");
        yield return Command("yank", "Break hanging connections. There are none to break.", None,
            Arg("instances", ListOf(YankInstance.Type), "The connections."),
            (_, instances) => instances.Count == 0 ? default(Nothing) : throw QmpErrors.YankInstanceNotFound()).OutOfBand()
            .Example("""{"instances": []}""")
            .Fails(QmpErrors.YankInstanceNotFound(), """{"instances": [{"type": "migration"}]}""");
    }

    // The members depend on the type, so this is a union.
    sealed class YankInstance : QapiType<Value>
    {
        static readonly (string Type, string? Member)[] s_variants = [("block-node", "node-name"), ("chardev", "id"), ("migration", null)];

        public static YankInstance Type { get; } = new();

        public override string Name => "YankInstance";

        public override TypeShape Shape { get; } = new ObjectShape(
            [new("type", new QapiEnum<Kind>("YankInstanceType", ("block-node", Kind.BlockNode), ("chardev", Kind.Chardev),
                ("migration", Kind.Migration)), false, "What kind of connection.")],
            "type",
            [
                new("block-node", new QapiStruct<Unused>("YankInstanceBlockNode", rows => rows.Row("node-name", Str, "The node.", _ => "", (_, _) => { }))),
                new("chardev", new QapiStruct<Unused>("YankInstanceChardev", rows => rows.Row("id", Str, "The chardev.", _ => "", (_, _) => { }))),
            ]);

        public override Value Write(Value value) => value;

        public override Value Read(Value value, string? name)
        {
            if (!value.TryObject(out var members))
                throw QmpErrors.InvalidParameterType(name, "object");
            if (!members.TryGet("type", out var given))
                throw QmpErrors.ParameterMissing(name + ".type");
            var type = Str.Read(given, name + ".type");
            var at = Array.FindIndex(s_variants, v => v.Type == type);
            if (at < 0)
                throw QmpErrors.DoesNotAcceptValue("type", type);
            var wanted = s_variants[at].Member;
            if (wanted is not null)
                Str.Read(members.TryGet(wanted, out var text) ? text : throw QmpErrors.ParameterMissing($"{name}.{wanted}"), $"{name}.{wanted}");
            foreach (var (member, _) in members)
            {
                if (member != "type" && member != wanted)
                    throw QmpErrors.ParameterUnexpected($"{name}.{member}");
            }
            return value;
        }

        enum Kind { BlockNode, Chardev, Migration }

        sealed class Unused;
    }
}
