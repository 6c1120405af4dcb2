using Microsoft.Extensions.Logging;

namespace HostMemd.Protocol;

static partial class Log
{
    [LoggerMessage(100, LogLevel.Debug, "client connected: pid {Pid}, uid {Uid}")]
    public static partial void Connected(ILogger logger, int pid, uint uid);

    [LoggerMessage(101, LogLevel.Debug, "client left: pid {Pid}")]
    public static partial void Disconnected(ILogger logger, int pid);

    [LoggerMessage(102, LogLevel.Warning, "accept failed: {Error}")]
    public static partial void AcceptFailed(ILogger logger, string error);

    [LoggerMessage(103, LogLevel.Warning, "client refused: pid {Pid}, uid {Uid}: {Reason}")]
    public static partial void ClientRefused(ILogger logger, int pid, uint uid, string reason);

    [LoggerMessage(104, LogLevel.Error, "connection broke")]
    public static partial void ConnectionBroke(ILogger logger, Exception bug);
}
