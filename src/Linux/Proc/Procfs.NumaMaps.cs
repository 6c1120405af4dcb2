using System.Buffers.Text;
using System.Text;

namespace HostMemd.Linux;

/// <summary>One line of /proc/PID/numa_maps: numa(7).</summary>
/// <param name="Address">First byte of the mapping.</param>
/// <param name="Policy">The policy as written: <c>default</c>, <c>bind:1</c>, <c>prefer (many):0-1</c>.</param>
/// <param name="Nodes">Pages on each node that has any, in the mapping's own page size.</param>
/// <param name="KernelPageSize">Bytes; 0 if no page is mapped, as the kernel then does not report it.</param>
public sealed record NumaMapsEntry(ulong Address, string Policy, IReadOnlyDictionary<int, ulong> Nodes, ulong KernelPageSize);

// /proc/PID/numa_maps.
public static partial class Procfs
{
    /// <summary>Parses a line of numa_maps.</summary>
    /// <param name="line">Without newline.</param>
    /// <returns>Null if it is none.</returns>
    public static NumaMapsEntry? ParseNumaMaps(ReadOnlySpan<byte> line)
    {
        var rest = line;
        if (!Word(ref rest, out var start) || !Hex(start, out var address))
            return null;
        rest = rest.TrimStart((byte)' ');
        var text = rest;
        if (!Word(ref rest, out var policy))
            return null;
        // Two policies are two words; everything after the policy is one word each, blanks in paths being escaped.
        var two = text.StartsWith("prefer (many)"u8) || text.StartsWith("weighted interleave"u8);
        if (two && Word(ref rest, out _))
            policy = text[..(text.Length - rest.Length)];

        Dictionary<int, ulong> nodes = [];
        ulong pageSize = 0;
        while (Word(ref rest, out var word))
        {
            if (word.IndexOf((byte)'=') is var equals && equals < 0)
                continue;
            if (word[0] == 'N' && Utf8Parser.TryParse(word[1..], out int node, out var used) && used + 1 == equals)
                nodes[node] = Amount(word[(equals + 1)..]) ?? 0;
            else if (word.StartsWith("kernelpagesize_kB="u8))
                pageSize = (Amount(word[(equals + 1)..]) ?? 0) * 1024;
        }
        return new NumaMapsEntry(address, Encoding.UTF8.GetString(policy), nodes, pageSize);
    }

    /// <summary>The mappings of a process with policy and placement, ascending; none without NUMA.</summary>
    /// <param name="pid">The process; null for this one.</param>
    /// <param name="root">Where procfs is.</param>
    public static IEnumerable<NumaMapsEntry> NumaMaps(int? pid = null, string root = "/proc")
    {
        using var file = ProcFile.Open(PathOf(pid, "numa_maps", root));
        while (file is not null && file.Next(out var line))
        {
            if (ParseNumaMaps(line) is { } entry)
                yield return entry;
        }
    }
}
