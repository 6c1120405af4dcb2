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
    // So many are described and written in half a millisecond; 10,000 take 15, for which nobody else's command waits.
    const int Many = 256;

    public static IEnumerable<Command> All(QomTree tree, ObjectFactory objects, QapiUnion options, Lock state)
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

        yield return Slow("query-memdev", "List the memory backends.", ListOf(Memdev.Schema), _ => ListAsync(tree, state)).ForObservers();
    }

    static async ValueTask<IReadOnlyList<Memdev>> ListAsync(QomTree tree, Lock state)
    {
        int count;
        lock (state)
            count = tree.Objects.Count;
        if (count > Many)
            await Task.Yield();
        lock (state)
            return [.. tree.Objects.Children.OfType<HostMemoryBackend>().Select(Describe)];
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
