namespace HostMemd.Ctl;

/// <summary>What the process ends with.</summary>
static class ExitStatus
{
    public const int Done = 0;

    /// <summary>The daemon, or the host, refused.</summary>
    public const int Refused = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>No daemon can be reached.</summary>
    public const int Unreachable = 3;

    /// <summary><c>run</c>: the command is there and cannot be executed, as in a shell.</summary>
    public const int NotExecutable = 126;

    /// <summary><c>run</c>: there is no such command, as in a shell.</summary>
    public const int NotFound = 127;

    /// <summary>The user interrupted.</summary>
    public const int Cancelled = 130;

    /// <summary>The reader of the output has gone: what a shell reports of a process that SIGPIPE ended.</summary>
    public const int OutputClosed = 141;
}
