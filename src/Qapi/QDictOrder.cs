using System.Text;

namespace HostMemd.Qapi;

/// <summary>
/// The order in which QEMU walks the members of an object: by bucket of a hash of the name, in one bucket the member added
/// last first. Replies are written in this order, and it decides which of several faults is reported.
/// The hash was recovered from QEMU's replies; it held for every set of names tried.
/// </summary>
public static class QDictOrder
{
    const int Buckets = 512;

    /// <summary>Writes to <paramref name="order"/> the positions of the members in walking order.</summary>
    public static void Fill(Members members, Span<int> order)
    {
        var items = members.Span;
        if (items.Length > 64)
        {
            FillMany(items, order);
            return;
        }
        // There are few members: insertion sort, which moves a later member of the same bucket in front of an earlier one.
        Span<int> buckets = stackalloc int[items.Length];
        for (var i = 0; i < items.Length; i++)
        {
            var bucket = Bucket(items[i].Key);
            var at = i;
            while (at > 0 && buckets[at - 1] >= bucket)
            {
                buckets[at] = buckets[at - 1];
                order[at] = order[at - 1];
                at--;
            }
            buckets[at] = bucket;
            order[at] = i;
        }
    }

    /// <summary>The members in walking order.</summary>
    public static KeyValuePair<string, Value>[] Sort(Members members)
    {
        var order = new int[members.Count];
        Fill(members, order);
        var result = new KeyValuePair<string, Value>[order.Length];
        for (var i = 0; i < order.Length; i++)
            result[i] = members.Span[order[i]];
        return result;
    }

    static void FillMany(ReadOnlySpan<KeyValuePair<string, Value>> items, Span<int> order)
    {
        var keys = new long[items.Length];
        for (var i = 0; i < items.Length; i++)
        {
            keys[i] = ((long)Bucket(items[i].Key) << 32) | (uint)(int.MaxValue - i);
            order[i] = i;
        }
        keys.AsSpan().Sort(order);
    }

    internal static int Bucket(string name)
    {
        // QEMU keeps U+0000 as the two bytes C0 80.
        if (name.Contains('\0', StringComparison.Ordinal))
            return BucketOf([.. name.SelectMany(c => c == '\0' ? (byte[])[0xC0, 0x80] : Encoding.UTF8.GetBytes([c]))]);
        // Names are short; UTF-8 takes at most three bytes for each UTF-16 unit.
        var capacity = name.Length * 3;
        var bytes = capacity <= 256 ? stackalloc byte[capacity] : new byte[capacity];
        return BucketOf(bytes[..Encoding.UTF8.GetBytes(name, bytes)]);
    }

    static int BucketOf(ReadOnlySpan<byte> bytes)
    {
        var hash = 0x238F13AFu * (uint)bytes.Length;
        for (var i = 0; i < bytes.Length; i++)
            hash += (uint)bytes[i] << (5 * i % 24);
        return (int)((1103515243u * hash + 12345u) % Buckets);
    }
}
