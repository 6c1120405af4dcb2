using HostMemd.Linux;

namespace HostMemd.Start;

/// <summary>
/// SIGXFSZ, which ends a process that makes a file larger than RLIMIT_FSIZE allows, memory without a name included. Ignored, the call
/// fails with EFBIG instead (setrlimit(2)), and is an error like any other: of a client's command, of the log, of the pid file.
/// </summary>
static class FileSizeSignal
{
    /// <summary>
    /// Called before anything is written. A process in the background starts with the default again (<see cref="Daemonizer"/>) and comes
    /// through here itself; the daemon starts no others.
    /// </summary>
    public static void Ignore() => _ = Signals.Ignore(Signals.SIGXFSZ);
}
