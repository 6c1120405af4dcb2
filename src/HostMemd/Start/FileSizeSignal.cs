using HostMemd.Linux;

namespace HostMemd.Start;

/// <summary>
/// SIGXFSZ, which ends a process that makes a file larger than RLIMIT_FSIZE allows, anonymous memory files included. While it is ignored,
/// the call fails with EFBIG instead (setrlimit(2)), which a client's command, the log and the pid file report like any other error.
/// </summary>
static class FileSizeSignal
{
    /// <summary>
    /// Ignores the signal; called before anything is written. The background process starts with the default again
    /// (<see cref="Daemonizer"/>) and calls this itself; the daemon starts no others.
    /// </summary>
    public static void Ignore() => _ = Signals.Ignore(Signals.SIGXFSZ);
}
