using System.Diagnostics;
using HostMemd.Linux;

namespace HostMemd.Faulty;

/// <summary>All that an operation could leave behind in this process and its folders, in the kernel's words.</summary>
static class Footprint
{
    const string Thread = "thread ";
    static readonly TimeSpan s_settling = TimeSpan.FromSeconds(2);

    /// <param name="folder">Where the test's files are.</param>
    /// <param name="more">What else is to be compared.</param>
    public static string Of(string folder, params ReadOnlySpan<string> more)
    {
        // Memory of the tests is known by its length, which hardly any other mapping has: the runtime's own come and grow at any time.
        MapsEntry[] mapped = [.. Procfs.Maps()];
        var maps = mapped.Where((m, i) => m.End - m.Start == Operation.Size && !IsArena(mapped, i)).Select(m => $"map {m.Path}");
        var files = Directory.EnumerateFileSystemEntries("/proc/self/fd").Select(f => new FileInfo(f).LinkTarget)
            .Where(t => t is not null && (t.StartsWith("/memfd:", StringComparison.Ordinal) && !IsOfNoTest(t)
                || t.Contains("/qemu", StringComparison.Ordinal) || t.Contains("[userfaultfd]", StringComparison.Ordinal)
                || t.StartsWith(folder, StringComparison.Ordinal))).Select(t => "open " + t);
        string[] all = [.. more, .. maps, .. files, .. Contexts(), .. Directory.EnumerateFileSystemEntries(folder), .. SharedMemory];
        return string.Join('\n', all.Order(StringComparer.Ordinal));
    }

    // An arena of malloc grows by pages inside 64 MiB that are reserved for it, and was once seen at this very length. Behind memory of
    // ours is a guard of one page.
    static bool IsArena(MapsEntry[] all, int at) =>
        all[at].Path.Length == 0 && at + 1 < all.Length && all[at + 1] is var next && next.Start == all[at].End
        && next.Permissions == "---p" && next.End - next.Start > Host.PageSize;

    // The runtime's; and the journal of a daemon that was restored, which is open until its process ends, here until it is collected.
    static bool IsOfNoTest(string memfd) =>
        memfd.StartsWith("/memfd:do", StringComparison.Ordinal) || memfd.StartsWith("/memfd:hostmemd-state", StringComparison.Ordinal);

    static IEnumerable<string> SharedMemory => Directory.EnumerateFiles("/dev/shm", $"qemu-{Environment.ProcessId}-*");

    /// <summary>What a failing shm_unlink left.</summary>
    public static void RemoveSharedMemory()
    {
        foreach (var file in SharedMemory)
            File.Delete(file);
    }

    /// <summary>The footprint when it is as expected, or what it stays at: a thread that has been asked to end does so in its own
    /// time.</summary>
    public static string Settled(Func<string> now, string expected)
    {
        var held = now();
        for (var limit = Stopwatch.StartNew();
            held != expected && WithoutThreads(held) == WithoutThreads(expected) && limit.Elapsed < s_settling;)
        {
            System.Threading.Thread.Yield();
            held = now();
        }
        return held;
    }

    public static string WithoutThreads(string held) =>
        string.Join('\n', held.Split('\n').Where(l => !l.StartsWith(Thread, StringComparison.Ordinal)));

    static IEnumerable<string> Contexts() => Directory.GetDirectories("/proc/self/task").Select(NameOf)
        .Where(n => n.StartsWith("TC ", StringComparison.Ordinal)).Select(n => Thread + n);

    static string NameOf(string thread)
    {
        try
        {
            return File.ReadAllText(thread + "/comm").TrimEnd();
        }
        catch (IOException)
        {
            // Ended meanwhile.
            return "";
        }
    }
}
