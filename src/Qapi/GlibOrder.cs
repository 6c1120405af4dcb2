using System.Text;

namespace HostMemd.Qapi;

/// <summary>
/// The order in which a GLib hash table of names is walked. QEMU keeps the properties of a class and the arguments of a
/// command in such tables, so the order of <c>qom-list</c> and the name in <c>Parameter 'x' is unexpected</c> follow from it.
/// </summary>
public static class GlibOrder
{
    // GLib: the largest primes below the powers of two from 2^3 on.
    static readonly int[] s_primes = [7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521];

    /// <summary>The positions of <paramref name="names"/>, added in this order, as the table is walked.</summary>
    /// <remarks>More names than GLib's smallest tables hold keep their order; no command or class has so many.</remarks>
    public static int[] Walk(IReadOnlyList<string> names)
    {
        if (names.Count > 4096)
            return [.. Enumerable.Range(0, names.Count)];
        var level = 0;
        var slots = NewTable(level);
        for (var i = 0; i < names.Count; i++)
        {
            Insert(slots, level, names, i);
            // The table grows when a sixteenth is left; a third of the new one is free.
            var used = i + 1;
            if (slots.Length <= used + used / 16)
            {
                level = LevelFor(used);
                slots = Grow(slots, level, names);
            }
        }
        return Array.FindAll(slots, at => at >= 0);
    }

    static int[] NewTable(int level)
    {
        var slots = new int[8 << level];
        // Array.Fill is compiled for the width of this machine's vectors when it is first called, which is at start.
        for (var i = 0; i < slots.Length; i++)
            slots[i] = -1;
        return slots;
    }

    // GLib (2.60 and later) rehashes in place: an entry in the way is moved next, so the order of moves shows.
    static int[] Grow(int[] slots, int level, IReadOnlyList<string> names)
    {
        var grown = NewTable(level);
        slots.CopyTo(grown, 0);
        var settled = new bool[grown.Length];
        for (var i = 0; i < slots.Length; i++)
        {
            if (grown[i] < 0 || settled[i])
                continue;
            var moving = grown[i];
            grown[i] = -1;
            while (moving >= 0)
            {
                var at = (int)(Hash(names[moving]) * 11 % (uint)s_primes[level]);
                for (var step = 0; settled[at];)
                    at = (at + ++step) & (grown.Length - 1);
                settled[at] = true;
                (moving, grown[at]) = (grown[at], moving);
            }
        }
        return grown;
    }

    static int LevelFor(int used)
    {
        var wanted = (int)(used * 1.333);
        var level = 0;
        while (8 << level <= wanted)
            level++;
        return level;
    }

    static void Insert(int[] slots, int level, IReadOnlyList<string> names, int index)
    {
        // The prime determines the first slot, the mask the further ones.
        var at = (int)(Hash(names[index]) * 11 % (uint)s_primes[level]);
        for (var step = 0; slots[at] >= 0;)
            at = (at + ++step) & (slots.Length - 1);
        slots[at] = index;
    }

    static uint Hash(string name)
    {
        var hash = 5381u;
        foreach (var b in Encoding.UTF8.GetBytes(name))
            hash = hash * 33 + (uint)(sbyte)b;
        return hash;
    }
}
