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
    public static IEnumerable<Command> All(QomTree tree, ObjectFactory objects, QapiUnion options)
    {
        yield return Slow("object-add", "Make an object.", None, options, async (call, given) =>
        {
            await objects.AddAsync(given, call.Session.Peer.Uid).ConfigureAwait(false);
            return default(Nothing);
        });

        yield return Slow("object-del", "Delete an object. Answered when all it held is free.", None,
            Arg("id", Str, "The object's id."), async (_, id) =>
            {
                await objects.DeleteAsync(id).ConfigureAwait(false);
                return default(Nothing);
            });

        yield return Command("query-memdev", "List the memory backends.", ListOf(Memdev.Schema),
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
