using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using static HostMemd.Protocol.Contract.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>Subscribing to the events that QEMU does not have.</summary>
static class WatchCommands
{
    static readonly Topic s_topic = new("Watching", "Subscribing to the events that QEMU does not have.");

    public static IEnumerable<Command> All() => s_topic.Of(Rows());

    static IEnumerable<Command> Rows()
    {
        yield return Command("memdev-watch", "Start or stop sending this client the MEMDEV_ events.", None,
            Arg("enable", Bool, "Whether to send them."), (call, enable) =>
            {
                call.Client.Watches = enable;
                return default(Nothing);
            }).Extension().ForObservers()
            .Example("""{"enable": true}""")
            .With("object-del", """{"id": "ram0"}""",
                then: """{"event": "MEMDEV_DELETED", "data": {"id": "ram0"}}""");
    }
}
