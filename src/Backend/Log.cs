using HostMemd.Linux;
using Microsoft.Extensions.Logging;

namespace HostMemd.Backend;

static partial class Log
{
    [LoggerMessage(200, LogLevel.Warning, "{Id}: {Advice} failed: {Errno}")]
    public static partial void AdviceFailed(ILogger logger, string id, string advice, Errno errno);

    [LoggerMessage(201, LogLevel.Debug, "processes that could not be looked at while searching for who holds memory: {Count}")]
    public static partial void ProcessesUnseen(ILogger logger, int count);

    [LoggerMessage(202, LogLevel.Warning,
        "who holds memory is not known: processes that could not be looked at: {Count}, asking by a write lease failed: {Errno}; relying on leases alone")]
    public static partial void UsersUnknown(ILogger logger, int count, Errno errno);

    [LoggerMessage(204, LogLevel.Error, "{Id}: filling failed")]
    public static partial void FillingBroke(ILogger logger, string id, Exception bug);
}
