using System.Globalization;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Commands;

/// <summary>
/// The sets of <c>add-fd</c>, shared by all clients. As in QEMU they are closed with the last client. Used with the state held.
/// </summary>
sealed class FdSets(StateLock state)
{
    public sealed class Added
    {
        public long SetId { get; set; }
        public long Fd { get; set; }
    }

    public sealed class Entry
    {
        public long Fd { get; set; }
        public string? Opaque { get; set; }
        internal SafeFileHandle? Handle { get; init; }
    }

    public sealed class Set
    {
        public long Id { get; set; }
        public List<Entry> Fds { get; set; } = [];
    }

    readonly SortedDictionary<long, Set> _sets = [];

    /// <summary>Descriptors in all sets.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a descriptor, which belongs to the set from here on.</summary>
    public Added Add(SafeFileHandle handle, long? id, string? opaque)
    {
        state.AssertHeld();
        var chosen = id ?? SmallestFree();
        if (!_sets.TryGetValue(chosen, out var set))
            _sets.Add(chosen, set = new() { Id = chosen });
        var fd = handle.DangerousGetHandle();
        set.Fds.Add(new() { Fd = fd, Opaque = opaque, Handle = handle });
        Count++;
        return new() { SetId = chosen, Fd = fd };
    }

    /// <exception cref="QmpException">There is no such set, or the set has no such descriptor.</exception>
    public void Remove(long id, long? fd)
    {
        state.AssertHeld();
        var name = string.Create(CultureInfo.InvariantCulture, $"fdset-id:{id}");
        if (fd is not null)
            name += string.Create(CultureInfo.InvariantCulture, $", fd:{fd}");
        if (!_sets.TryGetValue(id, out var set))
            throw QmpErrors.DescriptorNotFound(name);
        var doomed = set.Fds.FindAll(e => fd is null || e.Fd == fd);
        if (fd is not null && doomed.Count == 0)
            throw QmpErrors.DescriptorNotFound(name);
        foreach (var entry in doomed)
        {
            if (entry.Handle is { } handle)
                Closing.InBackground(handle);
            set.Fds.Remove(entry);
            Count--;
        }
        if (set.Fds.Count == 0)
            _sets.Remove(id);
    }

    /// <summary>All sets, the highest number first as QEMU lists them.</summary>
    public IReadOnlyList<Set> All() => [.. _sets.Values.Reverse()];

    public void Clear()
    {
        foreach (var id in _sets.Keys.ToArray())
            Remove(id, null);
    }

    long SmallestFree()
    {
        long id = 0;
        foreach (var taken in _sets.Keys)
        {
            if (taken > id)
                break;
            id = taken + 1;
        }
        return id;
    }
}
