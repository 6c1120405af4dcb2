using System.Buffers;
using System.Globalization;
using System.Text;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Persistence;

/// <summary>
/// The text of a journal: a header, then a line for each change, each behind a checksum. A line that is cut off or damaged is detected
/// and skipped, so that a journal is readable after any crash.
/// </summary>
static class JournalText
{
    /// <summary>The format's version. It changes when older daemons could not read what a newer one writes.</summary>
    public const long Version = 1;

    public static Value Header(long generation) => Value.Object(
        ("hostmemd-state", Value.From(Version)), ("generation", Value.From(generation)), ("writer", Value.From(VersionInfo.Own)));

    /// <summary>One line: eight digits of checksum, a blank, the value, a newline. The value contains no newline.</summary>
    public static byte[] Line(Value value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        JsonWriter.Write(buffer, value);
        var sum = Encoding.ASCII.GetBytes(Checksum(buffer.WrittenSpan).ToString("x8", CultureInfo.InvariantCulture));
        return [.. sum, (byte)' ', .. buffer.WrittenSpan, (byte)'\n'];
    }

    /// <summary>Reads a journal.</summary>
    /// <param name="text">The journal's bytes. A crash cut off what follows the last newline.</param>
    /// <param name="generation">The header's generation; -1 if this is no journal, or one of an unknown version.</param>
    /// <param name="damaged">The start of each line that could not be read.</param>
    public static StoredState Read(ReadOnlySpan<byte> text, out long generation, out IReadOnlyList<string> damaged)
    {
        var state = new StoredState();
        var bad = new List<string>();
        damaged = bad;
        generation = -1;
        while (text.IndexOf((byte)'\n') is >= 0 and var end)
        {
            var line = text[..end];
            text = text[(end + 1)..];
            var read = ReadLine(line);
            if (generation < 0)
            {
                if (!IsHeader(read, out generation))
                    return state;
            }
            else if (read is not { } value || !state.Apply(value))
                bad.Add(Encoding.UTF8.GetString(line[..Math.Min(line.Length, 200)]));
        }
        return state;
    }

    static bool IsHeader(Value? read, out long generation)
    {
        generation = -1;
        return read is { } value && value.TryObject(out var members) && members["hostmemd-state"].TryInt(out var version)
            && version is > 0 and <= Version && members["generation"].TryInt(out generation);
    }

    static Value? ReadLine(ReadOnlySpan<byte> line)
    {
        if (line.Length < 10 || line[8] != ' '
            || !uint.TryParse(line[..8], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var sum)
            || sum != Checksum(line[9..]))
            return null;
        var buffer = new ReadOnlySequence<byte>(line[9..].ToArray());
        // The default limits suffice: each object and each lease has a line of its own.
        return new JsonReader(new JsonLimits()).TryRead(ref buffer, out var result) && result.Error is null ? result.Value : null;
    }

    // CRC-32 of IEEE 802.3, as in zlib. It detects damage, not malice.
    static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var sum = uint.MaxValue;
        foreach (var b in bytes)
        {
            sum ^= b;
            for (var bit = 0; bit < 8; bit++)
                sum = (sum >> 1) ^ (0xEDB88320 & (uint)-(int)(sum & 1));
        }
        return ~sum;
    }
}
