using System.Diagnostics;
using HostMemd.Integration.Harness;

namespace HostMemd.Integration.Scarce;

/// <summary>
/// A daemon of a user that has no other process: the kernel counts threads by user, and root's not at all (setrlimit(2), RLIMIT_NPROC).
/// </summary>
static class NprocDaemon
{
    static int s_users;

    /// <summary>An unused user id, different in each run of these tests.</summary>
    public static int NewUser() => 100_000 + Environment.ProcessId % 10_000 * 100 + Interlocked.Increment(ref s_users);

    /// <summary>Runs the daemon as that user, with words in front of its command line.</summary>
    public static void Wrap(ProcessStartInfo info, int user, params string[] wrapper)
    {
        info.ArgumentList.Insert(0, info.FileName);
        string[] words = [.. wrapper, "setpriv", $"--reuid={user}", $"--regid={user}", "--clear-groups"];
        if (wrapper.Length > 0)
            // The limit is set by the user itself: for an exec beyond it the kernel would fail it (execve(2), EAGAIN).
            words = ["setpriv", $"--reuid={user}", $"--regid={user}", "--clear-groups", .. wrapper];
        info.FileName = words[0];
        for (var i = words.Length - 1; i > 0; i--)
            info.ArgumentList.Insert(0, words[i]);
    }

    /// <summary>Leaves room for that many more threads, by its own user: root may lack CAP_SYS_RESOURCE.</summary>
    public static void Leave(DaemonProcess daemon, int user, int room) => Limit(daemon, user, Threads(daemon) + room);

    public static void Limit(DaemonProcess daemon, int user, int threads) => Harness.Program.Check("setpriv", $"--reuid={user}", $"--regid={user}",
        "--clear-groups", "prlimit", $"--pid={daemon.Pid}", $"--nproc={threads}:");

    public static int Threads(DaemonProcess daemon) => Directory.GetDirectories($"/proc/{daemon.Pid}/task").Length;
}
