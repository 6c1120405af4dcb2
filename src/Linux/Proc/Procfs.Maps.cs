using System.Diagnostics;
using System.Text;

namespace HostMemd.Linux;

/// <summary>One line of /proc/PID/maps: proc_pid_maps(5).</summary>
/// <param name="Start">First byte.</param>
/// <param name="End">The byte after the last.</param>
/// <param name="Permissions">Four characters, as <c>rw-s</c>.</param>
/// <param name="Offset">Where in the file, in bytes.</param>
/// <param name="Device">As written, <c>00:01</c>.</param>
/// <param name="Inode">0 for anonymous memory.</param>
/// <param name="Path">As written, with <c> (deleted)</c> and <c>\012</c> for a newline; empty for anonymous memory.</param>
public sealed record MapsEntry(ulong Start, ulong End, string Permissions, ulong Offset, string Device, ulong Inode, string Path);

// /proc/PID/maps, which is also the first line of every entry of smaps.
public static partial class Procfs
{
    /// <summary>Parses a line of maps.</summary>
    /// <param name="line">Without newline.</param>
    /// <returns>Null if it is none.</returns>
    public static MapsEntry? ParseMaps(ReadOnlySpan<byte> line) => MapsLine.TryParse(line, out var parsed)
        ? new MapsEntry(parsed.Start, parsed.End, Encoding.UTF8.GetString(parsed.Permissions), parsed.Offset,
            Encoding.UTF8.GetString(parsed.Device), parsed.Inode, Encoding.UTF8.GetString(parsed.Path))
        : null;

    /// <summary>The mappings of a process, ascending; none if they cannot be read.</summary>
    /// <param name="pid">The process; null for this one.</param>
    /// <param name="root">Where procfs is.</param>
    public static IEnumerable<MapsEntry> Maps(int? pid = null, string root = "/proc")
    {
        using var file = ProcFile.Open(PathOf(pid, "maps", root));
        while (file is not null && file.Next(out var line))
        {
            if (ParseMaps(line) is { } entry)
                yield return entry;
        }
    }

    /// <summary>How many mappings this process has; 0 if the kernel does not report them.</summary>
    public static ulong CountMaps()
    {
        ulong count = 0;
        MmapYield others = default;
        AddressSpace.Enter();
        try
        {
            using var file = ProcFile.Open("/proc/self/maps");
            var begun = Stopwatch.GetTimestamp();
            while (file is not null && file.Next(out _))
            {
                // The kernel hands out some fifty lines with each read, and holds the address space for that long.
                if (++count % 64 != 0)
                    continue;
                others.AfterCall(Stopwatch.GetElapsedTime(begun));
                begun = Stopwatch.GetTimestamp();
            }
        }
        finally
        {
            AddressSpace.Leave();
        }
        return count;
    }

    /// <summary>Whether a process maps a file, and how often; allocates nothing per mapping, as every process may be asked.</summary>
    /// <param name="device">As <see cref="FileStatus.DeviceText"/>.</param>
    /// <param name="inode">The file's inode.</param>
    /// <param name="pid">The process; null for this one.</param>
    /// <param name="root">Where procfs is.</param>
    public static int CountMapsOf(string device, ulong inode, int? pid = null, string root = "/proc")
    {
        var wanted = Encoding.UTF8.GetBytes(device);
        var count = 0;
        using var file = ProcFile.Open(PathOf(pid, "maps", root));
        while (file is not null && file.Next(out var line))
        {
            if (MapsLine.TryParse(line, out var maps) && maps.Inode == inode && maps.Device.SequenceEqual(wanted))
                count++;
        }
        return count;
    }

    public static string PathOf(int? pid, string file, string root) =>
        pid is { } number ? $"{root}/{number}/{file}" : $"{root}/self/{file}";

    public ref struct MapsLine
    {
        public ulong Start, End, Offset, Inode;
        public ReadOnlySpan<byte> Permissions, Device, Path;

        public static bool TryParse(ReadOnlySpan<byte> line, out MapsLine maps)
        {
            maps = default;
            var rest = line;
            if (!Word(ref rest, out var range) || range.IndexOf((byte)'-') is var dash && dash < 0)
                return false;
            if (!Hex(range[..dash], out maps.Start) || !Hex(range[(dash + 1)..], out maps.End))
                return false;
            if (!Word(ref rest, out maps.Permissions) || !Word(ref rest, out var offset))
                return false;
            if (!Hex(offset, out maps.Offset) || !Word(ref rest, out maps.Device))
                return false;
            if (!Word(ref rest, out var inode) || Amount(inode) is not { } number)
                return false;
            maps.Inode = number;
            // The path is all that is left: it may have blanks inside and, deleted or not, at its end.
            maps.Path = rest.TrimStart((byte)' ');
            return true;
        }
    }
}
