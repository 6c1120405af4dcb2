using Microsoft.Extensions.Logging;

namespace HostMemd;

static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "object added: {Type} {Id}, {Size} bytes")]
    public static partial void ObjectAdded(ILogger logger, string type, string id, ulong size);

    [LoggerMessage(2, LogLevel.Information, "object deleted: {Type} {Id}")]
    public static partial void ObjectDeleted(ILogger logger, string type, string id);

    [LoggerMessage(3, LogLevel.Error, "command {Command} broke")]
    public static partial void CommandBroke(ILogger logger, string command, Exception bug);

    [LoggerMessage(4, LogLevel.Information, "configuration reloaded")]
    public static partial void Reloaded(ILogger logger);
}
