using HostMemd.Qapi;

namespace HostMemd.Persistence;

/// <summary>All that is kept: the objects in the order they were made, and the leases. The journal is its history.</summary>
sealed class StoredState
{
    readonly Dictionary<string, ObjectRecord> _objects = new(StringComparer.Ordinal);
    readonly List<string> _order = [];
    readonly Dictionary<string, LeaseRecord> _leases = new(StringComparer.Ordinal);
    readonly SortedSet<string> _aside = new(StringComparer.Ordinal);

    public IEnumerable<ObjectRecord> Objects => _order.Select(id => _objects[id]);
    public IReadOnlyCollection<LeaseRecord> Leases => _leases.Values;

    /// <summary>Names of descriptors of which nobody can tell now what they are, but somebody might later.</summary>
    public IReadOnlyCollection<string> Aside => _aside;


    /// <summary>Applies one line of a journal.</summary>
    /// <returns>False if it says nothing that this version understands.</returns>
    public bool Apply(Value line)
    {
        if (!line.TryObject(out var members))
            return false;
        if (members.TryGet("object", out var made) && ObjectRecord.From(made) is { } record)
            Put(record);
        else if (members.TryGet("deleted", out var deleted) && deleted.TryString(out var id))
            Delete(id);
        else if (members.TryGet("lease", out var given) && LeaseRecord.From(given) is { } lease)
            _leases[lease.Mapping] = lease;
        else if (members.TryGet("unlease", out var ended) && ended.TryString(out var mapping))
            _leases.Remove(mapping);
        else if (members.TryGet("aside", out var aside) && aside.TryString(out var name))
            _aside.Add(name);
        else
            return false;
        return true;
    }

    /// <summary>Applies a line of another journal, which cannot overrule this one.</summary>
    public void ApplyIfNew(Value line)
    {
        if (!line.TryObject(out var members)
            || (members.TryGet("object", out var made) && ObjectRecord.From(made) is { } record && _objects.ContainsKey(record.Options.Id))
            || (members.TryGet("lease", out var given) && LeaseRecord.From(given) is { } lease && _leases.ContainsKey(lease.Mapping)))
            return;
        Apply(line);
    }

    void Put(ObjectRecord record)
    {
        if (!_objects.ContainsKey(record.Options.Id))
            _order.Add(record.Options.Id);
        _objects[record.Options.Id] = record;
    }

    void Delete(string id)
    {
        if (_objects.Remove(id))
            _order.Remove(id);
        foreach (var lease in _leases.Values.Where(l => l.Id == id).ToArray())
            _leases.Remove(lease.Mapping);
    }

    /// <summary>The lines that lead to this state.</summary>
    public IEnumerable<Value> Lines() => [.. Objects.Select(Line), .. Leases.Select(Line), .. Aside.Select(PutAside)];

    public static Value Line(ObjectRecord record) => Value.Object(("object", record.ToValue()));
    public static Value Deleted(string id) => Value.Object(("deleted", Value.From(id)));
    public static Value Line(LeaseRecord lease) => Value.Object(("lease", lease.ToValue()));
    public static Value PutAside(string name) => Value.Object(("aside", Value.From(name)));
    public static Value Unleased(string mapping) => Value.Object(("unlease", Value.From(mapping)));
}
