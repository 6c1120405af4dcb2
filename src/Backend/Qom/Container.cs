using HostMemd.Qapi;

namespace HostMemd.Backend.Qom;

/// <summary>A folder of the tree. Names can be reserved before the object behind them is visible.</summary>
public sealed class Container(string name) : QomObject(s_class, name)
{
    static readonly QomClass s_class = new("container", BaseClass, []);

    public static QomClass ContainerClass => s_class;

    readonly Dictionary<string, QomObject?> _children = new(StringComparer.Ordinal);
    long _sequence;

    public override IEnumerable<QomObject> Children =>
        _children.Values.OfType<QomObject>().OrderBy(c => c.Sequence);

    public int Count => _children.Count;

    public override QomObject? FindChild(string name) => _children.GetValueOrDefault(name);

    /// <summary>As <see cref="FindChild(string)"/>, without a string for a part of a path.</summary>
    internal QomObject? FindChild(ReadOnlySpan<char> name) =>
        _children.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var child) ? child : null;

    /// <summary>Takes the name for an object in the making; the object stays invisible until <see cref="Adopt"/>.</summary>
    /// <exception cref="QmpException">The name is taken.</exception>
    internal void Reserve(string name)
    {
        // Properties share the children's name space, so the id 'type' is always taken.
        if (Class.Find(name) is not null || !_children.TryAdd(name, null))
            throw QmpErrors.DuplicateObject(name);
    }

    internal void Adopt(QomObject child)
    {
        child.Parent = this;
        child.Sequence = ++_sequence;
        _children[child.Name] = child;
    }

    /// <summary>Makes the child invisible; its name stays taken until <see cref="Free"/>.</summary>
    internal void Hide(QomObject child) => _children[child.Name] = null;

    internal void Free(string name) => _children.Remove(name);
}
