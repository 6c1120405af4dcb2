using HostMemd.Protocol;
using HostMemd.Qapi;
using static HostMemd.Protocol.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>Asking for the events that QEMU does not have.</summary>
static class WatchCommands
{
    public static IEnumerable<Command> All()
    {
        yield return Command("memdev-watch", "Start or stop sending this client the MEMDEV_ events.", None,
            Arg("enable", Bool, "Whether to send them."), (call, enable) =>
            {
                call.Session.Watches = enable;
                return default(Nothing);
            }).Extension().ForObservers();
    }
}
