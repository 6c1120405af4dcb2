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

    [LoggerMessage(5, LogLevel.Error, "unexpected failure: {What}")]
    static partial void UnexpectedFailure(ILogger logger, string what);

    /// <summary>Logs what no caller can handle: a munmap or the end of a write lease that fails.</summary>
    public static void UnexpectedFailuresGoTo(ILogger logger) => HostMemd.Linux.UnexpectedFailures.Reported += what => UnexpectedFailure(logger, what);

    [LoggerMessage(6, LogLevel.Information, "{Count} objects taken over from the process before")]
    public static partial void Restored(ILogger logger, int count);

    [LoggerMessage(7, LogLevel.Warning, "{Type} {Id} could not be restored: {Reason}")]
    public static partial void NotRestored(ILogger logger, string type, string id, string reason);

    [LoggerMessage(8, LogLevel.Warning, "{Mapping} of {Id} to process {Pid} could not be restored: {Reason}")]
    public static partial void LeaseNotRestored(ILogger logger, string mapping, string id, int pid, string reason);

    [LoggerMessage(9, LogLevel.Warning, "the descriptor store takes nothing more (FileDescriptorStoreMax=): what is made from here on will not survive this process")]
    public static partial void StoreFull(ILogger logger);

    [LoggerMessage(10, LogLevel.Error, "the journal could not be put into the descriptor store; changes from here on may not survive this process")]
    public static partial void JournalNotStored(ILogger logger);

    [LoggerMessage(11, LogLevel.Warning, "{Count} stored descriptors belong to entries that are not readable by this version; they are kept aside")]
    public static partial void KeptAside(ILogger logger, int count);

    [LoggerMessage(12, LogLevel.Warning, "{Id} could not be put into the descriptor store; it will not survive this process")]
    public static partial void NotStored(ILogger logger, string id);

    [LoggerMessage(13, LogLevel.Warning, "{Id} could not be removed from the descriptor store; its memory is not free")]
    public static partial void NotForgotten(ILogger logger, string id);

    [LoggerMessage(14, LogLevel.Error, "the state could not be recorded: {Errno}; changes from here on will not survive this process")]
    public static partial void NotRecorded(ILogger logger, HostMemd.Linux.Errno errno);

    [LoggerMessage(15, LogLevel.Warning, "the stored state {Name} is not readable by this version and is left as it is")]
    public static partial void JournalUnreadable(ILogger logger, string name);

    [LoggerMessage(16, LogLevel.Warning, "a line of the stored state is not readable and was passed over: '{Line}'")]
    public static partial void LineUnreadable(ILogger logger, string line);

    [LoggerMessage(17, LogLevel.Information, "object {Id} of the configuration is there already and was left as it is")]
    public static partial void ConfiguredIsThere(ILogger logger, string id);

    [LoggerMessage(18, LogLevel.Information, "another process takes over")]
    public static partial void HandedOver(ILogger logger);

    [LoggerMessage(19, LogLevel.Warning, "refused: uid {Uid} (pid {Pid}) has no right to {Command}; further refusals of this client are not logged")]
    public static partial void RoleRefused(ILogger logger, uint uid, int pid, string command);

    [LoggerMessage(20, LogLevel.Information, "uid {Uid} pid {Pid} {Command} {Target}: {Result}")]
    public static partial void Audit(ILogger logger, uint uid, int pid, string command, string target, string result);
}
