using Microsoft.Extensions.Logging;

namespace HostMemd.Rpc;

static partial class RpcLog
{
    [LoggerMessage(60, LogLevel.Error, "request {Method} failed by a bug of the JSON-RPC front end")]
    public static partial void RequestBroke(ILogger logger, string method, Exception bug);

    [LoggerMessage(61, LogLevel.Error, "a reply to the client with pid {Pid} could not be written")]
    public static partial void ReplyBroke(ILogger logger, int pid, Exception bug);

    [LoggerMessage(62, LogLevel.Warning, "client with pid {Pid} and uid {Uid} is closed: {Reason}")]
    public static partial void FramingLost(ILogger logger, int pid, uint uid, string reason);

    [LoggerMessage(63, LogLevel.Error, "the connection of the client with pid {Pid} broke")]
    public static partial void ConnectionBroke(ILogger logger, int pid, Exception bug);
}
