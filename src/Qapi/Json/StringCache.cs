using System.Buffers.Binary;
using System.Text;

namespace HostMemd.Qapi.Json;

/// <summary>
/// The short strings that clients send again and again: member names, command names, paths. A small table that always takes the newest
/// string, so that a client that sends no string twice costs the allocation of its strings and nothing more.
/// </summary>
sealed class StringCache
{
    // 256 strings of up to 48 characters are at most some 30 KiB for each thread.
    const int Slots = 256;
    const int MaxLength = 48;

    // 2^64 divided by the golden ratio: spreads any difference into the upper bits.
    const ulong Multiplier = 0x9E3779B97F4A7C15;

    readonly string?[] _slots = new string?[Slots];

    /// <param name="ascii">ASCII bytes.</param>
    public string Get(ReadOnlySpan<byte> ascii)
    {
        if (ascii.Length > MaxLength)
            return Encoding.ASCII.GetString(ascii);
        if (ascii.IsEmpty)
            return "";
        // Each string has two places, so that two strings sent in turns do not replace each other.
        var slot = Hash(ascii) & (Slots - 2);
        ref var first = ref _slots[slot];
        if (first is not null && Ascii.Equals(ascii, first))
            return first;
        ref var second = ref _slots[slot + 1];
        if (second is not null && Ascii.Equals(ascii, second))
            return second;
        second = first;
        return first = Encoding.ASCII.GetString(ascii);
    }

    // Reads eight bytes at a time, the last eight overlapping: names have some ten bytes, and each is hashed.
    static int Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = (ulong)bytes.Length;
        if (bytes.Length < 8)
        {
            foreach (var b in bytes)
                hash = (hash << 8) | b;
            return Mix(hash);
        }
        for (var at = 0; at < bytes.Length - 8; at += 8)
            hash = (hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..])) * Multiplier;
        return Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes[^8..]));
    }

    static int Mix(ulong hash) => (int)(hash * Multiplier >> 40);
}
