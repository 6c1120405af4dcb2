using HostMemd.Qapi;
using HostMemd.Rpc.Messages;

namespace HostMemd.Rpc;

/// <summary>Sends the progress of one request to its client.</summary>
sealed class ProgressNotifications(RpcClient client, Value token) : IProgress<FillProgress>
{
    public void Report(FillProgress value) => client.Send(RpcReplies.Notification(RpcCommands.Progress, Value.Object(
        ("token", token),
        ("value", Value.Object(("current", Value.From(value.Current)), ("total", Value.From(value.Total)))))));
}
