using HostMemd.Qapi;

namespace HostMemd.Backend.Qom;

/// <summary>A class of objects: its name, its parent, its rows. Immutable.</summary>
public sealed class QomClass
{
    readonly Dictionary<string, QomProperty> _byName = new(StringComparer.Ordinal);

    /// <param name="name">The wire's name.</param>
    /// <param name="parent">What it is derived from.</param>
    /// <param name="rows">Its own properties, in the order in which they are checked.</param>
    /// <param name="create">Makes an instance; null for a class of which there is none to be made.</param>
    /// <param name="registered">
    /// Names that QEMU puts into its table before the others, where names that collide make that show in <c>qom-list</c>.
    /// </param>
    public QomClass(string name, QomClass? parent, IReadOnlyList<QomProperty> rows, Func<QomEnvironment, string, QomObject>? create = null,
        string registered = "")
    {
        Name = name;
        Parent = parent;
        Create = create;
        foreach (var property in parent is null ? rows : parent.All.Concat(rows))
            _byName.Add(property.Name, property);
        All = [.. parent?.All ?? [], .. rows];
        // QEMU walks the tables of the class and then of its ancestors, and hands the whole list out backwards.
        var first = registered.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        QomProperty[] filled = [.. first.Select(n => _byName[n]), .. rows.Where(r => !first.Contains(r.Name))];
        var own = Array.ConvertAll(GlibOrder.Walk(Array.ConvertAll(filled, r => r.Name)), i => filled[i]);
        Array.Reverse(own);
        Listed = [.. parent?.Listed ?? [], .. own];
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
    public IReadOnlyList<Member> Members => field ??= [.. All.Where(p => p.InSchema).Select(p => p.ToMember())];

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
