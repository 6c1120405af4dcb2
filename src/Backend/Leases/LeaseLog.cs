using Microsoft.Extensions.Logging;

namespace HostMemd.Backend.Leases;

static partial class LeaseLog
{
    [LoggerMessage(220, LogLevel.Warning,
        "processes that cannot be looked at: {Count}; memory that one of them uses is kept, but who it is cannot be told")]
    public static partial void SomeUnseen(ILogger logger, int count);
}
