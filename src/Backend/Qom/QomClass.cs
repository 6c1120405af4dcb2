using HostMemd.Qapi;

namespace HostMemd.Backend.Qom;

/// <summary>A class of objects: its name, its parent, its rows. Immutable.</summary>
public sealed class QomClass
{
    readonly Dictionary<string, QomProperty> _byName = new(StringComparer.Ordinal);

    public QomClass(string name, QomClass? parent, IReadOnlyList<QomProperty> rows, Func<QomEnvironment, string, QomObject>? create = null)
    {
        Name = name;
        Parent = parent;
        Create = create;
        foreach (var property in parent is null ? rows : parent.All.Concat(rows))
            _byName.Add(property.Name, property);
        All = [.. parent?.All ?? [], .. rows];
        // QEMU walks the tables of the class and then of its ancestors, and hands the whole list out backwards.
        var names = rows.Select(r => r.Name).ToArray();
        Listed = [.. parent?.Listed ?? [], .. GlibOrder.Walk(names).Reverse().Select(i => rows[i])];
    }

    public string Name { get; }
    public QomClass? Parent { get; }

    /// <summary>Makes an instance of that id, or null for a class of which <c>object-add</c> makes none.</summary>
    internal Func<QomEnvironment, string, QomObject>? Create { get; }

    /// <summary>Cannot be instantiated at all.</summary>
    public bool IsAbstract { get; init; }

    /// <summary>A name that objects implement, of which there are no instances.</summary>
    public bool IsInterface { get; init; }

    /// <summary>Inherited rows first, then own, in table order.</summary>
    public IReadOnlyList<QomProperty> All { get; }

    /// <summary>The order of <c>qom-list</c>.</summary>
    public IReadOnlyList<QomProperty> Listed { get; }

    /// <summary>What <c>object-add</c> takes besides type and id.</summary>
    public IReadOnlyList<Member> Members => [.. All.Where(p => p.InSchema).Select(p => p.ToMember())];

    public QomProperty? Find(string property) => _byName.GetValueOrDefault(property);

    /// <summary>Derived from the class of that name, or implementing the interface.</summary>
    public bool Is(string name)
    {
        for (var c = this; c is not null; c = c.Parent)
        {
            if (c.Name == name)
                return true;
        }
        return Create is not null && name == QomObject.UserCreatable.Name;
    }

    public override string ToString() => Name;
}
