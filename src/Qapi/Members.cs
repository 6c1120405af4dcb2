using System.Collections;

namespace HostMemd.Qapi;

/// <summary>
/// The members of a JSON object in the order in which they were added. Names are unique. Only the builder adds members.
/// </summary>
public sealed class Members : IEnumerable<KeyValuePair<string, Value>>
{
    // Up to this many members a scan is faster than a hash. Above, a client could make the scan quadratic.
    const int ScanLimit = 16;

    KeyValuePair<string, Value>[] _items;
    Dictionary<string, int>? _index;
    readonly bool _frozen;

    public Members(int capacity = 4) => _items = capacity == 0 ? [] : new KeyValuePair<string, Value>[capacity];

    Members(bool frozen) : this(0) => _frozen = frozen;

    /// <summary>The object without members; shared, so nothing can be added to it.</summary>
    public static Members None { get; } = new(frozen: true);

    public int Count { get; private set; }

    public ReadOnlySpan<KeyValuePair<string, Value>> Span => _items.AsSpan(0, Count);

    /// <summary>The member of that name; JSON's null if there is none.</summary>
    public Value this[string name] => TryGet(name, out var value) ? value : Value.Null;

    /// <exception cref="ArgumentException">A member of that name exists.</exception>
    public void Add(string name, Value value)
    {
        if (!TryAdd(name, value))
            throw new ArgumentException($"member '{name}' is already there", nameof(name));
    }

    public bool TryAdd(string name, Value value)
    {
        if (_frozen)
            throw new InvalidOperationException("the shared empty object takes no members");
        if (Find(name) >= 0)
            return false;
        if (Count == _items.Length)
            Array.Resize(ref _items, Math.Max(4, Count * 2));
        _items[Count] = new(name, value);
        _index?.Add(name, Count);
        Count++;
        if (Count > ScanLimit && _index is null)
        {
            _index = new(StringComparer.Ordinal);
            for (var i = 0; i < Count; i++)
                _index.Add(_items[i].Key, i);
        }
        return true;
    }

    public bool TryGet(string name, out Value value)
    {
        var i = Find(name);
        value = i >= 0 ? _items[i].Value : Value.Null;
        return i >= 0;
    }

    public bool Contains(string name) => Find(name) >= 0;

    /// <summary>Removes all members. For the reader that made the object and knows that no other code refers to it.</summary>
    internal void Clear()
    {
        _items.AsSpan(0, Count).Clear();
        Count = 0;
        _index = null;
    }

    internal bool SetEquals(Members other)
    {
        if (Count != other.Count)
            return false;
        foreach (var (name, value) in Span)
        {
            if (!other.TryGet(name, out var theirs) || theirs != value)
                return false;
        }
        return true;
    }

    int Find(string name)
    {
        if (_index is not null)
            return _index.TryGetValue(name, out var at) ? at : -1;
        for (var i = 0; i < Count; i++)
        {
            if (_items[i].Key == name)
                return i;
        }
        return -1;
    }

    public IEnumerator<KeyValuePair<string, Value>> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
            yield return _items[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
