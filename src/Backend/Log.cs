using HostMemd.Linux;
using Microsoft.Extensions.Logging;

namespace HostMemd.Backend;

static partial class Log
{
    [LoggerMessage(200, LogLevel.Warning, "{Id}: {Advice} failed: {Errno}")]
    public static partial void AdviceFailed(ILogger logger, string id, string advice, Errno errno);

    [LoggerMessage(201, LogLevel.Debug, "processes that could not be inspected while searching for users of memory: {Count}")]
    public static partial void ProcessesUnseen(ILogger logger, int count);

    [LoggerMessage(202, LogLevel.Warning,
        "the users of memory are not known: processes that could not be inspected: {Count}, a write lease failed: {Errno}; leases count")]
    public static partial void UsersUnknown(ILogger logger, int count, Errno errno);

    [LoggerMessage(203, LogLevel.Warning,
        "processes that cannot be inspected: {Count}; memory that one of them uses is kept, but query-memdev-mappings cannot name it")]
    public static partial void SomeUnseen(ILogger logger, int count);

    [LoggerMessage(204, LogLevel.Error, "{Id}: filling failed")]
    public static partial void FillingBroke(ILogger logger, string id, Exception bug);
}
