using System.Text;

namespace HostMemd.Linux;

/// <summary>The two-letter flags of a mapping, as <c>rd wr sh mg</c>: proc_pid_smaps(5), VmFlags.</summary>
/// <param name="Text">The flags with single blanks between.</param>
public readonly record struct VmFlags(string Text)
{
    /// <summary>Whether a flag is set: <c>mg</c> mergeable, <c>dd</c> not dumped, <c>dc</c> not given to a fork, <c>hg</c> huge.</summary>
    /// <param name="flag">Two letters.</param>
    public bool Contains(string flag)
    {
        // Flags are two letters at every third place; a plain search would find "rm" in "mr mw".
        for (var i = 0; i + 2 <= (Text ?? "").Length; i += 3)
        {
            if (string.CompareOrdinal(Text, i, flag, 0, 2) == 0)
                return flag.Length == 2;
        }
        return false;
    }
}

/// <summary>One mapping of /proc/PID/smaps: proc_pid_smaps(5). Amounts in bytes, 0 where the kernel does not report them.</summary>
public sealed record SmapsEntry
{
#pragma warning disable CS1591 // proc_pid_smaps(5)
    public required ulong Start { get; init; }
    public required ulong End { get; init; }
    public required string Permissions { get; init; }
    public required string Device { get; init; }
    public required ulong Inode { get; init; }
    public required string Path { get; init; }
    public ulong Rss { get; internal set; }
    public ulong Pss { get; internal set; }
    public ulong Swap { get; internal set; }
    public ulong AnonHugePages { get; internal set; }
    public ulong ShmemPmdMapped { get; internal set; }
    public ulong FilePmdMapped { get; internal set; }
    public ulong PrivateHugetlb { get; internal set; }
    public ulong SharedHugetlb { get; internal set; }
    public ulong KernelPageSize { get; internal set; }
    public VmFlags Flags { get; internal set; }
#pragma warning restore CS1591

    /// <summary>Merged bytes; null on kernels that do not report them, 6.1 for one.</summary>
    public ulong? Ksm { get; internal set; }
}

/// <summary>Parses smaps line by line. Strings that repeat from entry to entry are made once.</summary>
sealed class SmapsParser(Func<ulong, ulong, bool>? wanted)
{
    string _permissions = "", _device = "", _path = "", _flags = "";
    SmapsEntry? _entry;

    /// <summary>Takes the next line.</summary>
    /// <returns>The entry before, when the line begins another one.</returns>
    internal SmapsEntry? Line(ReadOnlySpan<byte> line)
    {
        // An entry begins with a small hexadecimal digit, its other lines with a capital: "Anonymous:", "VmFlags:".
        if (line.Length == 0 || char.IsAsciiLetterUpper((char)line[0]))
        {
            if (_entry is not null)
                Detail(_entry, line);
            return null;
        }
        var finished = Finish();
        if (Procfs.MapsLine.TryParse(line, out var maps) && wanted?.Invoke(maps.Start, maps.End) != false)
        {
            _entry = new SmapsEntry
            {
                Start = maps.Start,
                End = maps.End,
                Permissions = Same(ref _permissions, maps.Permissions),
                Device = Same(ref _device, maps.Device),
                Inode = maps.Inode,
                Path = Same(ref _path, maps.Path),
            };
        }
        return finished;
    }

    /// <summary>The last entry.</summary>
    internal SmapsEntry? Finish()
    {
        var entry = _entry;
        _entry = null;
        return entry;
    }

    void Detail(SmapsEntry entry, ReadOnlySpan<byte> line)
    {
        var colon = line.IndexOf((byte)':');
        if (colon < 0)
            return;
        ReadOnlySpan<byte> name = line[..colon], value = line[(colon + 1)..];
        if (name.SequenceEqual("VmFlags"u8))
        {
            entry.Flags = new VmFlags(Same(ref _flags, value.Trim((byte)' ')));
            return;
        }
        if (Procfs.Amount(value) is not { } bytes)
            return;
        if (name.SequenceEqual("Rss"u8))
            entry.Rss = bytes;
        else if (name.SequenceEqual("Pss"u8))
            entry.Pss = bytes;
        else if (name.SequenceEqual("Swap"u8))
            entry.Swap = bytes;
        else if (name.SequenceEqual("AnonHugePages"u8))
            entry.AnonHugePages = bytes;
        else if (name.SequenceEqual("ShmemPmdMapped"u8))
            entry.ShmemPmdMapped = bytes;
        else if (name.SequenceEqual("FilePmdMapped"u8))
            entry.FilePmdMapped = bytes;
        else if (name.SequenceEqual("Private_Hugetlb"u8))
            entry.PrivateHugetlb = bytes;
        else if (name.SequenceEqual("Shared_Hugetlb"u8))
            entry.SharedHugetlb = bytes;
        else if (name.SequenceEqual("KernelPageSize"u8))
            entry.KernelPageSize = bytes;
        else if (name.SequenceEqual("KSM"u8))
            entry.Ksm = bytes;
    }

    static string Same(ref string last, ReadOnlySpan<byte> text)
    {
        Span<char> chars = stackalloc char[256];
        if (text.Length <= chars.Length && chars[..Encoding.UTF8.GetChars(text, chars)].SequenceEqual(last))
            return last;
        return last = Encoding.UTF8.GetString(text);
    }
}

// /proc/PID/smaps.
public static partial class Procfs
{
    /// <summary>Parses the text of smaps.</summary>
    /// <param name="text">Of any number of entries.</param>
    public static List<SmapsEntry> ParseSmaps(ReadOnlySpan<byte> text)
    {
        SmapsParser parser = new(null);
        List<SmapsEntry> entries = [];
        foreach (var range in text.Split((byte)'\n'))
        {
            if (parser.Line(text[range]) is { } entry)
                entries.Add(entry);
        }
        if (parser.Finish() is { } last)
            entries.Add(last);
        return entries;
    }

    /// <summary>The mappings of a process with their numbers, ascending, in one pass: the kernel walks all page tables for it, so
    /// read it once for many regions (<see cref="SmapsTable"/>).</summary>
    /// <param name="wanted">Given start and end of a mapping, whether to report it; null for all.</param>
    /// <param name="pid">The process; null for this one.</param>
    /// <param name="root">Where procfs is.</param>
    public static IEnumerable<SmapsEntry> Smaps(Func<ulong, ulong, bool>? wanted = null, int? pid = null, string root = "/proc")
    {
        SmapsParser parser = new(wanted);
        using var file = ProcFile.Open(PathOf(pid, "smaps", root));
        while (file is not null && file.Next(out var line))
        {
            if (parser.Line(line) is { } entry)
                yield return entry;
        }
        if (parser.Finish() is { } last)
            yield return last;
    }
}

/// <summary>One reading of smaps in which regions are looked up by address.</summary>
public sealed class SmapsTable
{
    readonly SmapsEntry[] _entries;

    SmapsTable(SmapsEntry[] entries) => _entries = entries;

    /// <summary>Reads smaps; empty if it cannot be read.</summary>
    /// <inheritdoc cref="Procfs.Smaps"/>
    public static SmapsTable Read(Func<ulong, ulong, bool>? wanted = null, int? pid = null, string root = "/proc") =>
        new([.. Procfs.Smaps(wanted, pid, root)]);

    /// <summary>How many mappings were read.</summary>
    public int Count => _entries.Length;

    /// <summary>The mappings that overlap a range. A region is one mapping unless policies or advice on parts of it split it; and the
    /// kernel may have joined it with a neighbour of like kind, so compare the bounds.</summary>
    /// <param name="address">First byte.</param>
    /// <param name="length">Bytes.</param>
    public ReadOnlySpan<SmapsEntry> Find(ulong address, ulong length)
    {
        int low = 0, high = _entries.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_entries[middle].End <= address)
                low = middle + 1;
            else
                high = middle;
        }
        var end = low;
        while (end < _entries.Length && _entries[end].Start < address + length)
            end++;
        return _entries.AsSpan(low, end - low);
    }
}
