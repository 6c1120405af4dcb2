using HostMemd.Qapi;

namespace HostMemd.Persistence;

/// <summary>The objects in the order they were made, the leases, and the quarantine. A journal is the history of one.</summary>
sealed class StoredState
{
    readonly Dictionary<string, ObjectRecord> _objects = new(StringComparer.Ordinal);
    readonly List<string> _order = [];
    readonly Dictionary<string, LeaseRecord> _leases = new(StringComparer.Ordinal);
    readonly SortedSet<string> _quarantined = new(StringComparer.Ordinal);

    public IEnumerable<ObjectRecord> Objects => _order.Select(id => _objects[id]);
    public IReadOnlyCollection<LeaseRecord> Leases => _leases.Values;

    /// <summary>Names of descriptors whose records this version cannot read. Another version may be able to.</summary>
    public IReadOnlyCollection<string> Quarantined => _quarantined;

    /// <summary>Applies one line of a journal.</summary>
    /// <returns>False if this version understands nothing of it.</returns>
    public bool Apply(Value line)
    {
        if (!line.TryObject(out var members))
            return false;
        if (members.TryGet("object", out var made) && ObjectRecord.From(made) is { } record)
            Put(record);
        else if (members.TryGet("deleted", out var deleted) && deleted.TryString(out var id))
            Delete(id);
        else if (members.TryGet("lease", out var given) && LeaseRecord.From(given) is { } lease)
            Put(lease);
        else if (members.TryGet("unlease", out var ended) && ended.TryString(out var mapping))
            EndLease(mapping);
        else if (members.TryGet("aside", out var aside) && aside.TryString(out var name))
            Quarantine(name);
        else
            return false;
        return true;
    }

    /// <summary>Adds what another journal has and this one has not. This one is not overruled.</summary>
    public void AddMissing(StoredState other)
    {
        foreach (var record in other.Objects.Where(o => !_objects.ContainsKey(o.Options.Id)))
            Put(record);
        foreach (var lease in other.Leases.Where(l => !_leases.ContainsKey(l.Mapping)))
            Put(lease);
        _quarantined.UnionWith(other.Quarantined);
    }

    /// <summary>Adds an object, or replaces its record. Its place in the order of making stays.</summary>
    public void Put(ObjectRecord record)
    {
        if (!_objects.ContainsKey(record.Options.Id))
            _order.Add(record.Options.Id);
        _objects[record.Options.Id] = record;
    }

    public void Put(LeaseRecord lease) => _leases[lease.Mapping] = lease;

    /// <summary>Removes an object and its leases.</summary>
    public void Delete(string id)
    {
        if (_objects.Remove(id))
            _order.Remove(id);
        foreach (var lease in _leases.Values.Where(l => l.Id == id).ToArray())
            _leases.Remove(lease.Mapping);
    }

    public void EndLease(string mapping) => _leases.Remove(mapping);

    /// <summary>Keeps a descriptor untouched, by its name, for a version that can read its record.</summary>
    public void Quarantine(string name) => _quarantined.Add(name);

    /// <summary>The lines that lead to this state.</summary>
    public IEnumerable<Value> Lines() => [.. Objects.Select(Line), .. Leases.Select(Line), .. Quarantined.Select(QuarantinedLine)];

    public static Value Line(ObjectRecord record) => Value.Object(("object", record.ToValue()));
    public static Value Line(LeaseRecord lease) => Value.Object(("lease", lease.ToValue()));
    public static Value DeletedLine(string id) => Value.Object(("deleted", Value.From(id)));
    public static Value LeaseEndedLine(string mapping) => Value.Object(("unlease", Value.From(mapping)));
    public static Value QuarantinedLine(string name) => Value.Object(("aside", Value.From(name)));
}
