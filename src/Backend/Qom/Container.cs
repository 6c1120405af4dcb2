using HostMemd.Qapi;

namespace HostMemd.Backend.Qom;

/// <summary>A folder of the tree. Names can be reserved before the object behind them is visible.</summary>
public sealed class Container(string name) : QomObject(s_class, name)
{
    static readonly QomClass s_class = new("container", BaseClass, []);

    public static QomClass ContainerClass => s_class;

    readonly Dictionary<string, LinkedListNode<QomObject>?> _children = new(StringComparer.Ordinal);
    // The visible children, oldest first, so that no query has to sort them with the state held.
    readonly LinkedList<QomObject> _visible = [];

    public override IEnumerable<QomObject> Children => [.. _visible];

    public int Count => _children.Count;

    public override QomObject? FindChild(string name) => _children.GetValueOrDefault(name)?.Value;

    /// <summary>As <see cref="FindChild(string)"/>, without a string for a part of a path.</summary>
    internal QomObject? FindChild(ReadOnlySpan<char> name) =>
        _children.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var child) ? child?.Value : null;

    /// <summary>Reserves the name of an object in the making; the object stays invisible until <see cref="Adopt"/>.</summary>
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
        _children[child.Name] = _visible.AddLast(child);
    }

    /// <summary>Makes the child invisible; its name stays taken until <see cref="Free"/>.</summary>
    internal void Hide(QomObject child)
    {
        if (_children.GetValueOrDefault(child.Name) is { } node)
            _visible.Remove(node);
        _children[child.Name] = null;
    }

    /// <summary>The name may be taken again.</summary>
    internal void Free(string name)
    {
        if (_children.Remove(name, out var node) && node is not null)
            _visible.Remove(node);
    }
}
