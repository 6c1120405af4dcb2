using System.Globalization;
using System.Text;

namespace HostMemd.Linux;

/// <summary>A mounted hugetlbfs.</summary>
/// <param name="Path">Where.</param>
/// <param name="PageSize">Bytes; 0 if the kernel does not report it.</param>
public readonly record struct HugetlbMount(string Path, ulong PageSize);

/// <summary>
/// Files of /proc: proc(5). Parsers are pure functions over bytes; readers put a file under them. What is missing, because the kernel is
/// older or the file is hidden, is null or empty, never an error.
/// </summary>
public static partial class Procfs
{
    /// <summary>A value of /proc/meminfo in bytes (a plain count for HugePages_*); null if there is none. proc_meminfo(5).</summary>
    /// <param name="name">As <c>MemAvailable</c>.</param>
    /// <param name="root">Where procfs is.</param>
    public static ulong? MemInfo(string name, string root = "/proc") => Number(FieldOf(root + "/meminfo", name));

    /// <summary>A field of /proc/PID/status as text, <c>Mems_allowed_list</c> for one; null if there is none. proc_pid_status(5).</summary>
    /// <param name="name">Without colon.</param>
    /// <param name="pid">The process; null for this one.</param>
    /// <param name="root">Where procfs is.</param>
    public static string? Status(string name, int? pid = null, string root = "/proc") => FieldOf(PathOf(pid, "status", root), name);

    /// <summary>The effective user of a process; null if it has ended.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="root">Where procfs is.</param>
    public static uint? Uid(int pid, string root = "/proc") =>
        // Real, effective, saved, of the file system.
        Status("Uid", pid, root)?.Split('\t', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            is [_, var effective, ..]
            && uint.TryParse(effective, NumberStyles.None, CultureInfo.InvariantCulture, out var uid) ? uid : null;

    /// <summary>A field of /proc/PID/status in bytes, <c>VmRSS</c> for one.</summary>
    /// <inheritdoc cref="Status"/>
    public static ulong? StatusBytes(string name, int? pid = null, string root = "/proc") => Number(Status(name, pid, root));

    /// <summary>A count of /proc/PID/ksm_stat, as <c>ksm_rmap_items</c> (Linux 6.1) or <c>ksm_process_profit</c>; null if there is none.
    /// The profit may be negative.</summary>
    /// <param name="name">As the kernel spells it.</param>
    /// <param name="pid">The process; null for this one.</param>
    /// <param name="root">Where procfs is.</param>
    public static long? KsmStat(string name, int? pid = null, string root = "/proc") =>
        long.TryParse(FieldOf(PathOf(pid, "ksm_stat", root), name), out var value) ? value : null;

    /// <summary>Merged pages of a process, shared and sharing: /proc/PID/ksm_merging_pages; null without KSM.</summary>
    /// <param name="pid">The process; null for this one.</param>
    /// <param name="root">Where procfs is.</param>
    public static ulong? KsmMergingPages(int? pid = null, string root = "/proc") =>
        ProcFile.Number(PathOf(pid, "ksm_merging_pages", root));

    /// <summary>Parses a line of mountinfo: proc_pid_mountinfo(5).</summary>
    /// <param name="line">Without newline.</param>
    /// <returns>Null if it is no hugetlbfs.</returns>
    public static HugetlbMount? ParseHugetlbMount(ReadOnlySpan<byte> line)
    {
        var rest = line;
        ReadOnlySpan<byte> word = default, path = default;
        // 36 35 98:0 /root /mount/point options [tags...] - type source super-options
        for (var i = 0; i < 5; i++)
        {
            if (!Word(ref rest, out path))
                return null;
        }
        while (Word(ref rest, out word) && !word.SequenceEqual("-"u8))
        {
        }
        if (!Word(ref rest, out word) || !word.SequenceEqual("hugetlbfs"u8))
            return null;
        if (!Word(ref rest, out _) || !Word(ref rest, out var options))
            return new HugetlbMount(Unescape(path), 0);
        ulong pageSize = 0;
        foreach (var range in options.Split((byte)','))
        {
            var option = options[range];
            if (option.StartsWith("pagesize="u8))
                pageSize = Suffixed(option["pagesize="u8.Length..]);
        }
        return new HugetlbMount(Unescape(path), pageSize);
    }

    /// <summary>The mounted hugetlbfs of this process's mount namespace.</summary>
    /// <param name="root">Where procfs is.</param>
    public static IReadOnlyList<HugetlbMount> HugetlbMounts(string root = "/proc")
    {
        List<HugetlbMount> mounts = [];
        using var file = ProcFile.Open(root + "/self/mountinfo");
        while (file is not null && file.Next(out var line))
        {
            if (ParseHugetlbMount(line) is { } mount)
                mounts.Add(mount);
        }
        return mounts;
    }

    static ulong? Number(string? text) => text is null ? null : Amount(Encoding.UTF8.GetBytes(text));

    // 2M, 1024M, 64K, 1G; a plain number is bytes.
    static ulong Suffixed(ReadOnlySpan<byte> text)
    {
        if (text.Length == 0)
            return 0;
        var shift = text[^1] switch { (byte)'K' => 10, (byte)'M' => 20, (byte)'G' => 30, _ => 0 };
        return (Amount(shift == 0 ? text : text[..^1]) ?? 0) << shift;
    }
}
