using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Protocol;
using HostMemd.Qapi;
using static HostMemd.Protocol.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>Making, deleting and listing memory.</summary>
static class ObjectCommands
{
    sealed class Memdev
    {
        public string? Id { get; set; }
        public ulong Size { get; set; }
        public bool Merge { get; set; }
        public bool Dump { get; set; }
        public bool Prealloc { get; set; }
        public bool Share { get; set; }
        public bool? Reserve { get; set; }
        public IReadOnlyList<ushort> HostNodes { get; set; } = [];
        public HostMemPolicy Policy { get; set; }
    }

    static readonly QapiStruct<Memdev> s_memdev = new QapiStruct<Memdev>("Memdev")
        .Opt("id", Str, "The backend's id.", m => m.Id, (m, v) => m.Id = v)
        .Row("size", QapiTypes.Size, "Size in bytes, as asked for.", m => m.Size, (m, v) => m.Size = v)
        .Row("merge", Bool, "May be merged with equal pages.", m => m.Merge, (m, v) => m.Merge = v)
        .Row("dump", Bool, "Is part of a core dump.", m => m.Dump, (m, v) => m.Dump = v)
        .Row("prealloc", Bool, "Was filled ahead of use.", m => m.Prealloc, (m, v) => m.Prealloc = v)
        .Row("share", Bool, "Is shared with other processes that map it.", m => m.Share, (m, v) => m.Share = v)
        .Opt("reserve", Bool, "Swap space or huge pages were reserved.", m => m.Reserve, (m, v) => m.Reserve = v)
        .Row("host-nodes", ListOf(U16), "The NUMA nodes of the policy.", m => m.HostNodes, (m, v) => m.HostNodes = v)
        .Row("policy", NumaPolicy.Type, "The NUMA policy.", m => m.Policy, (m, v) => m.Policy = v);

    public static IEnumerable<Command> All(QomTree tree, ObjectFactory objects, QapiUnion options)
    {
        yield return Slow("object-add", "Make an object.", None, options, async (_, given) =>
        {
            await objects.AddAsync(given).ConfigureAwait(false);
            return default(Nothing);
        });

        yield return Slow("object-del", "Delete an object. Answered when all it held is free.", None,
            Arg("id", Str, "The object's id."), async (_, id) =>
            {
                await objects.DeleteAsync(id).ConfigureAwait(false);
                return default(Nothing);
            });

        yield return Command("query-memdev", "List the memory backends.", ListOf(s_memdev),
            _ => (IReadOnlyList<Memdev>)[.. tree.Objects.Children.OfType<HostMemoryBackend>().Select(Describe)]).ForObservers();
    }

    static Memdev Describe(HostMemoryBackend backend) => new()
    {
        Id = backend.Name,
        Size = backend.Size,
        Merge = backend.Merge,
        Dump = backend.Dump,
        Prealloc = backend.Prealloc,
        Share = backend.Share,
        Reserve = backend.Reserve,
        HostNodes = backend.HostNodes.ToList(),
        Policy = backend.Policy,
    };
}
