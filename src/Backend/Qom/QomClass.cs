using HostMemd.Qapi;

namespace HostMemd.Backend.Qom;

/// <summary>A class of objects: its name, its parent, its rows. Immutable.</summary>
public sealed class QomClass
{
    readonly Dictionary<string, QomProperty> _byName = new(StringComparer.Ordinal);

    /// <param name="name">The wire's name.</param>
    /// <param name="parent">The class that it is derived from.</param>
    /// <param name="rows">Its own properties, in the order in which they are checked.</param>
    /// <param name="registered">
    /// Names that QEMU puts into its table before the others. The order shows in <c>qom-list</c> where names collide.
    /// </param>
    public QomClass(string name, QomClass? parent, IReadOnlyList<QomProperty> rows, string registered = "")
    {
        Name = name;
        Parent = parent;
        foreach (var property in parent is null ? rows : parent.All.Concat(rows))
            _byName.Add(property.Name, property);
        All = [.. parent?.All ?? [], .. rows];
        // QEMU walks the tables of the class and then of its ancestors, and returns the whole list backwards.
        var first = registered.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        QomProperty[] filled = [.. first.Select(n => _byName[n]), .. rows.Where(r => !first.Contains(r.Name))];
        var own = Array.ConvertAll(GlibOrder.Walk(Array.ConvertAll(filled, r => r.Name)), i => filled[i]);
        Array.Reverse(own);
        Listed = [.. parent?.Listed ?? [], .. own];
    }

    public string Name { get; }
    public QomClass? Parent { get; }

    /// <summary><c>object-add</c> makes instances of the class; in QEMU's words it implements <c>user-creatable</c>.</summary>
    public bool IsCreatable { get; init; }

    /// <summary>The class has no instances; those derived from it may.</summary>
    public bool IsAbstract { get; init; }

    /// <summary>An interface, which classes implement and which has no instances.</summary>
    public bool IsInterface { get; init; }

    /// <summary>Inherited rows first, then own, in table order.</summary>
    public IReadOnlyList<QomProperty> All { get; }

    /// <summary>The order of <c>qom-list</c>.</summary>
    public IReadOnlyList<QomProperty> Listed { get; }

    /// <summary>The arguments of <c>object-add</c> besides type and id.</summary>
    public IReadOnlyList<Member> Members => field ??= [.. All.Where(p => p.InSchema).Select(p => p.ToMember())];

    public QomProperty? Find(string property) => _byName.GetValueOrDefault(property);

    /// <summary>Whether this is the class of that name, is derived from it, or implements it.</summary>
    public bool Is(string name)
    {
        for (var c = this; c is not null; c = c.Parent)
        {
            if (c.Name == name)
                return true;
        }
        return IsCreatable && name == QomObject.UserCreatable.Name;
    }

    public override string ToString() => Name;
}
