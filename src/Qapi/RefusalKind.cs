namespace HostMemd.Qapi;

/// <summary>Why a command was refused, as far as protocols other than QMP distinguish it. QMP sends only class and text.</summary>
public enum RefusalKind
{
    /// <summary>The command was understood and could not be done.</summary>
    Refused,

    /// <summary>No command has that name.</summary>
    UnknownCommand,

    /// <summary>The arguments do not match the command's declaration: one is missing, unexpected or of another type.</summary>
    InvalidArguments,

    /// <summary>The client has cancelled the command, and that is what ended it.</summary>
    Cancelled,

    /// <summary>A bug of the daemon, which has logged it.</summary>
    Internal,
}
