using Microsoft.Extensions.Logging;

namespace HostMemd.Backend.Leases;

static partial class LeaseLog
{
    [LoggerMessage(203, LogLevel.Warning,
        "{Count} processes cannot be looked at: memory that one of them uses is kept, but who it is cannot be told")]
    public static partial void SomeUnseen(ILogger logger, int count);
}
