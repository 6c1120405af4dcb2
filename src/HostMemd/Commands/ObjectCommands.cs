using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Qom;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using static HostMemd.Protocol.Contract.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>Making, deleting and listing memory.</summary>
static class ObjectCommands
{
    static readonly Topic s_topic = new("Memory", "Making, deleting and listing memory.");

    // Up to this many objects are listed with the state held. A longer list would make other clients wait.
    const int Many = 256;

    public static IEnumerable<Command> All(QomTree tree, ObjectRegistry objects, QapiUnion options, StateLock state) =>
        s_topic.Of(Rows(tree, objects, options, state));

    static IEnumerable<Command> Rows(QomTree tree, ObjectRegistry objects, QapiUnion options, StateLock state)
    {
        yield return Slow("object-add", "Make an object.", None, options, async (call, given) =>
        {
            await objects.AddAsync(given, call.Client.Peer.Uid, call.Waiter).ConfigureAwait(false);
            return default(Nothing);
        })
            .Example("""{"qom-type": "memory-backend-ram", "id": "ram1", "size": 1048576, "share": true}""")
            .Fails(QmpErrors.DuplicateObject("ram0"), """{"qom-type": "memory-backend-ram", "id": "ram0", "size": 4096}""")
            .Fails(QmpErrors.BadIdentifier(), """{"qom-type": "memory-backend-ram", "id": "1st", "size": 4096}""")
            .Fails(QmpErrors.DoesNotAcceptValue("qom-type", "ram"), """{"qom-type": "ram", "id": "ram2", "size": 4096}""")
            .Fails(QmpErrors.PropertyDoesNotTake("memory-backend-ram", "size", "0"),
                """{"qom-type": "memory-backend-ram", "id": "ram2", "size": 0}""")
            .Fails(QmpErrors.PreallocWithoutReserve(),
                """{"qom-type": "memory-backend-ram", "id": "ram2", "size": 4096, "reserve": false, "prealloc": true}""")
            .Fails(QmpErrors.NodesMustBeSet("bind"), """{"qom-type": "memory-backend-ram", "id": "ram2", "size": 4096, "policy": "bind"}""")
            .Fails(QmpErrors.CannotOpen("/no/such/file", "No such file or directory"),
                """{"qom-type": "memory-backend-file", "id": "ram2", "size": 4096, "mem-path": "/no/such/file"}""")
            .MayFail(QmpErrors.CannotSetUp("ID", "ERROR"), QmpErrors.CannotMap("ERROR"), QmpErrors.CannotCreateMemfd(0, "ERROR"),
                QmpErrors.CannotBind("ERROR"), QmpErrors.PreallocFailed("ERROR"),
                QmpErrors.PathNotAllowed("PATH"), QmpErrors.LimitReached(new("Objects", 1000)));

        yield return Slow("object-del", "Delete an object. The reply comes when all its memory is free.", None,
            Arg("id", Str, "The object's id."), async (_, id) =>
            {
                await objects.DeleteAsync(id).ConfigureAwait(false);
                return default(Nothing);
            })
            .Example("""{"id": "ram0"}""")
            .Fails(QmpErrors.ObjectNotFound("ram0"), """{"id": "ram0"}""")
            .MayFail(QmpErrors.ObjectMapped("ID"), QmpErrors.ObjectBusy("ID"));

        yield return Slow("query-memdev", "List the memory backends.", ListOf(Memdev.Schema), _ => ListAsync(tree, state)).ForObservers()
            .Example("", """
                [{"id": "ram0", "size": 2097152, "merge": true, "dump": true, "prealloc": false, "share": true,
                  "reserve": true, "host-nodes": [], "policy": "default"}]
                """);
    }

    static async ValueTask<IReadOnlyList<Memdev>> ListAsync(QomTree tree, StateLock state)
    {
        int count;
        using (state.Enter())
            count = tree.Objects.Count;
        if (count > Many)
            await Task.Yield();
        using (state.Enter())
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
