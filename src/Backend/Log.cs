using HostMemd.Backend.Linux;
using Microsoft.Extensions.Logging;

namespace HostMemd.Backend;

static partial class Log
{
    [LoggerMessage(200, LogLevel.Warning, "{Id}: {Advice} failed: {Errno}")]
    public static partial void AdviceFailed(ILogger logger, string id, string advice, Errno errno);
}
