using System.Globalization;

namespace HostMemd.Linux;

// /proc/PID/stat.
public static partial class Procfs
{
    /// <summary>
    /// Our own number in that procfs, which is another one than getpid(2)'s where the procfs is of an outer pid namespace
    /// (pid_namespaces(7), "/proc and PID namespaces").
    /// </summary>
    /// <param name="root">Where procfs is.</param>
    public static int OwnPid(string root = "/proc") => int.TryParse(new FileInfo(root + "/self").LinkTarget, NumberStyles.None,
        CultureInfo.InvariantCulture, out var pid) ? pid : Environment.ProcessId;

    /// <summary>When a process started, in clock ticks after boot: proc_pid_stat(5), field 22. Null if it is gone.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="root">Where procfs is.</param>
    public static ulong? StartTime(int pid, string root = "/proc")
    {
        var text = ProcFile.Text($"{root}/{pid}/stat");
        // The name, field 2, is in parentheses and may hold blanks and parentheses itself.
        var end = text?.LastIndexOf(')') ?? -1;
        if (end < 0)
            return null;
        var fields = text![(end + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 19
            && ulong.TryParse(fields[19], NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) ? ticks : null;
    }
}
