using System.Globalization;
using HostMemd.Qapi;

namespace HostMemd.Hmp;

/// <summary>An unfinished object: the common part of dotted keys.</summary>
sealed class KeyValNode
{
    // Keeps the order in which the keys first came.
    readonly Dictionary<string, object> _members = new(StringComparer.Ordinal);

    /// <param name="name">The last part of the key.</param>
    /// <param name="value">Its value, which replaces an earlier one.</param>
    /// <param name="key">The whole key, for the error.</param>
    /// <exception cref="QmpException">The key has keys below it.</exception>
    public void Put(string name, string value, string key)
    {
        if (_members.GetValueOrDefault(name) is KeyValNode)
            throw HmpErrors.Inconsistent(key);
        _members[name] = value;
    }

    /// <summary>The object behind a dot, made if there is none.</summary>
    /// <exception cref="QmpException">There is a value.</exception>
    public KeyValNode Below(string name, string prefix)
    {
        if (!_members.TryGetValue(name, out var member))
            _members[name] = member = new KeyValNode();
        return member as KeyValNode ?? throw HmpErrors.Inconsistent(prefix);
    }

    /// <summary>The finished value: an object, or a list if all keys are numbers.</summary>
    /// <param name="prefix">The key that leads here, with a dot behind it; empty at the top.</param>
    /// <exception cref="QmpException">Some are numbers and some are not, or one is left out.</exception>
    public Value ToValue(string prefix)
    {
        // Of several faults QEMU reports the one that it meets first, walking its hash table.
        var made = new Dictionary<string, Value>(StringComparer.Ordinal);
        foreach (var name in Walk())
            made[name] = _members[name] is KeyValNode below ? below.ToValue(prefix + name + ".") : Value.From((string)_members[name]);
        var indices = _members.Keys.Count(IsIndex);
        if (indices > 0)
            return indices == _members.Count ? ToList(made, prefix) : throw HmpErrors.Inconsistent(prefix.TrimEnd('.'));
        var members = new Members(_members.Count);
        foreach (var name in _members.Keys)
            members.Add(name, made[name]);
        return Value.From(members);
    }

    IEnumerable<string> Walk()
    {
        var names = new Members(_members.Count);
        foreach (var name in _members.Keys)
            names.Add(name, Value.Null);
        return QDictOrder.Sort(names).Select(m => m.Key);
    }

    // 0 and 00 are the same element. The later one in the walk counts.
    static Value ToList(Dictionary<string, Value> made, string prefix)
    {
        var items = new Dictionary<int, Value>();
        foreach (var (name, value) in made)
            items[IndexOf(name)] = value;
        for (var i = 0; i < items.Count; i++)
        {
            if (!items.ContainsKey(i))
                throw HmpErrors.ElementMissing(string.Create(CultureInfo.InvariantCulture, $"{prefix}{i}"));
        }
        return Value.From([.. Enumerable.Range(0, items.Count).Select(i => items[i])]);
    }

    static bool IsIndex(string name) => char.IsAsciiDigit(name[0]);

    static int IndexOf(string name) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : int.MaxValue;
}
