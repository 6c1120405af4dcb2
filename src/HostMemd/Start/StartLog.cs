using Microsoft.Extensions.Logging;

namespace HostMemd.Start;

static partial class StartLog
{
    [LoggerMessage(50, LogLevel.Information, "hostmemd {Version} listens on {Path}")]
    public static partial void Listening(ILogger logger, string version, string path);

    [LoggerMessage(51, LogLevel.Information, "stopping")]
    public static partial void Stopping(ILogger logger);

    [LoggerMessage(52, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(53, LogLevel.Warning, "{Warning}")]
    public static partial void Warned(ILogger logger, string warning);

    [LoggerMessage(54, LogLevel.Error, "configuration not reloaded, the old one stays: {Error}")]
    public static partial void NotReloaded(ILogger logger, string error);

    [LoggerMessage(55, LogLevel.Error, "stopping failed")]
    public static partial void StopFailed(ILogger logger, Exception bug);
}
