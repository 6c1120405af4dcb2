using System.Text;

namespace HostMemd.Protocol.Json;

/// <summary>
/// The short strings a client sends again and again: member names, command names, paths. A small table that the newest
/// string always gets into, so that a client who sends none twice pays for his strings only.
/// </summary>
sealed class StringCache
{
    // 256 strings of up to 48 characters are at most some 30 KiB for each client.
    const int Slots = 256;
    const int MaxLength = 48;

    readonly string?[] _slots = new string?[Slots];

    /// <param name="ascii">ASCII bytes.</param>
    public string Get(ReadOnlySpan<byte> ascii)
    {
        if (ascii.Length > MaxLength)
            return Encoding.ASCII.GetString(ascii);
        if (ascii.IsEmpty)
            return "";
        // Two places for each string: two that are sent in turns do not push one another out.
        ref var first = ref _slots[Hash(ascii) & (Slots - 2)];
        if (first is not null && Ascii.Equals(ascii, first))
            return first;
        ref var second = ref _slots[(Hash(ascii) & (Slots - 2)) + 1];
        if (second is not null && Ascii.Equals(ascii, second))
            return second;
        second = first;
        return first = Encoding.ASCII.GetString(ascii);
    }

    static int Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = (uint)bytes.Length;
        foreach (var b in bytes)
            hash = hash * 31 + b;
        hash *= 0x9E3779B1;
        return (int)(hash >> 16);
    }
}
