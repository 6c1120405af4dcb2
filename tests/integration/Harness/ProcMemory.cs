using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Integration.Harness;

/// <summary>One mapping in the kernel's words (proc(5), smaps).</summary>
sealed record Mapping(ulong Start, ulong End, string Permissions, ulong Offset, long Inode, string Path)
{
    public ulong Length => End - Start;

    /// <summary>The two-letter words of VmFlags: <c>mg</c> mergeable, <c>dd</c> not dumped, <c>dc</c> not forked.</summary>
    public IReadOnlySet<string> Flags { get; init; } = new HashSet<string>();

    /// <summary>The kB figures by name, in bytes.</summary>
    public IReadOnlyDictionary<string, ulong> Figures { get; init; } = new Dictionary<string, ulong>();

    public ulong Resident => Figures.GetValueOrDefault("Rss");
}

/// <summary>An open descriptor of a process.</summary>
sealed record OpenFile(int Number, string Target, string Path)
{
    public SafeFileHandle Open(FileAccess access = FileAccess.ReadWrite) =>
        File.OpenHandle(Path, FileMode.Open, access, FileShare.ReadWrite | FileShare.Delete);
}

/// <summary>What the kernel says of another process's memory.</summary>
sealed partial class ProcMemory(int pid)
{
    [GeneratedRegex(@"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ (\d+)\s*(.*)$")]
    private static partial Regex Head();

    [GeneratedRegex(@"^(\w+):\s+(\d+) kB$")]
    private static partial Regex Figure();

    public List<Mapping> Mappings()
    {
        var result = new List<Mapping>();
        var figures = new Dictionary<string, ulong>();
        foreach (var line in File.ReadLines($"/proc/{pid}/smaps"))
        {
            if (Head().Match(line) is { Success: true } head)
            {
                figures = [];
                result.Add(new(Hex(head, 1), Hex(head, 2), head.Groups[3].Value, Hex(head, 4),
                    long.Parse(head.Groups[5].Value, CultureInfo.InvariantCulture), head.Groups[6].Value)
                { Figures = figures });
            }
            else if (line.StartsWith("VmFlags:", StringComparison.Ordinal))
                result[^1] = result[^1] with { Flags = line[8..].Split(' ', StringSplitOptions.RemoveEmptyEntries).ToHashSet() };
            else if (Figure().Match(line) is { Success: true } figure)
                figures[figure.Groups[1].Value] = ulong.Parse(figure.Groups[2].Value, CultureInfo.InvariantCulture) * 1024;
        }
        return result;
    }

    static ulong Hex(Match match, int group) =>
        ulong.Parse(match.Groups[group].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>The mapping of exactly that size that is followed by a guard: how every backend's memory looks.</summary>
    public Mapping Backend(ulong size) => Guarded(size).Memory;

    /// <summary>The same with its guard.</summary>
    public (Mapping Memory, Mapping Guard) Guarded(ulong size) =>
        TryGuarded(size) ?? throw new Xunit.Sdk.XunitException(
            $"no mapping of {size} bytes with a guard behind it in\n{File.ReadAllText($"/proc/{pid}/maps")}");

    public (Mapping Memory, Mapping Guard)? TryGuarded(ulong size)
    {
        var all = Mappings();
        for (var i = 0; i + 1 < all.Count; i++)
        {
            if (all[i].Length == size && all[i + 1].Start == all[i].End && all[i + 1].Permissions == "---p" && all[i].Permissions[0] == 'r')
                return (all[i], all[i + 1]);
        }
        return null;
    }

    /// <summary>The policy word of numa_maps for the mapping that starts there, such as <c>bind:0</c>.</summary>
    public string NumaPolicy(ulong address)
    {
        var start = address.ToString("x", CultureInfo.InvariantCulture) + " ";
        var line = File.ReadLines($"/proc/{pid}/numa_maps").First(l => l.StartsWith(start, StringComparison.Ordinal));
        // "prefer (many):0" is the one policy with a blank in it.
        var words = line[start.Length..].Split(' ');
        return words[0] == "prefer" ? words[0] + " " + words[1] : words[0];
    }

    public List<OpenFile> Files()
    {
        var result = new List<OpenFile>();
        foreach (var path in Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd"))
        {
            if (new FileInfo(path).LinkTarget is { } target)
                result.Add(new(int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture), target, path));
        }
        return result;
    }

    /// <summary>The one descriptor whose target contains that.</summary>
    public OpenFile Single(string part) => Assert.Single(Files(), f => f.Target.Contains(part, StringComparison.Ordinal));

    List<OpenFile> OwnFiles()
    {
        var program = new FileInfo($"/proc/{pid}/exe").LinkTarget;
        return [.. Files().Where(f => !BuiltDaemon.IsRuntimes(f.Target, program))];
    }

    /// <summary>How many descriptors it has, but for those of the runtime.</summary>
    public int FileCount => OwnFiles().Count;

    /// <summary>The same, once clients that have just left are gone.</summary>
    public int SettledFileCount()
    {
        var (last, since) = (FileCount, System.Diagnostics.Stopwatch.StartNew());
        Eventually.True(() =>
        {
            var now = FileCount;
            if (now != last)
                (last, since) = (now, System.Diagnostics.Stopwatch.StartNew());
            return since.ElapsedMilliseconds > 200;
        }, "the descriptors to settle");
        return last;
    }

    /// <summary>Waits until it has as many descriptors; shows them all when it does not come to that.</summary>
    public void AwaitFiles(int count)
    {
        try
        {
            Eventually.Equal(count, () => FileCount, "descriptors");
        }
        catch (Xunit.Sdk.XunitException wrong)
        {
            throw new Xunit.Sdk.XunitException(wrong.Message + "\n" + string.Join('\n', OwnFiles().Select(f => f.Target).Order()));
        }
    }

    public int MapCount => File.ReadLines($"/proc/{pid}/maps").Count();

    public int ThreadCount => Directory.GetDirectories($"/proc/{pid}/task").Length;

    /// <summary>Names of its threads.</summary>
    public string[] ThreadNames =>
    [
        .. Directory.GetDirectories($"/proc/{pid}/task").Select(t =>
        {
            try
            {
                return File.ReadAllText(t + "/comm").TrimEnd();
            }
            catch (IOException)
            {
                return "";
            }
        }),
    ];

    /// <summary>A figure of /proc/PID/status, in bytes: <c>VmRSS</c>, <c>RssShmem</c>.</summary>
    public ulong Status(string name)
    {
        var line = File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith(name + ":", StringComparison.Ordinal));
        return ulong.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>A figure of /proc/meminfo, in bytes.</summary>
    public static ulong MemInfo(string name)
    {
        var line = File.ReadLines("/proc/meminfo").First(l => l.StartsWith(name + ":", StringComparison.Ordinal));
        return ulong.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>Bytes of disk or memory that a file takes, and its mode: stat(1)'s word.</summary>
    public static (long Length, long Allocated, string Mode) Stat(string path)
    {
        var words = Program.Check("stat", "-L", "-c", "%s %b %a", path).Split(' ');
        return (long.Parse(words[0], CultureInfo.InvariantCulture), 512 * long.Parse(words[1], CultureInfo.InvariantCulture), words[2].Trim());
    }
}
