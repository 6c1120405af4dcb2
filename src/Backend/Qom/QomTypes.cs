using HostMemd.Qapi;

namespace HostMemd.Backend.Qom;

/// <summary>The registered classes. The list of types is the registry: nothing else names them.</summary>
public sealed class QomTypes
{
    readonly Dictionary<string, QomClass> _byName = new(StringComparer.Ordinal);
    readonly List<QomClass> _all = [];

    public IReadOnlyList<QomClass> All => _all;

    public QomTypes Add(params ReadOnlySpan<QomClass> classes)
    {
        foreach (var added in classes)
        {
            _byName.Add(added.Name, added);
            _all.Add(added);
        }
        return this;
    }

    public QomClass? Find(string name) => _byName.GetValueOrDefault(name);

    public IEnumerable<QomClass> Creatable => _all.Where(c => c.Create is not null);

    /// <summary>The arguments of <c>object-add</c>, read off the classes.</summary>
    public QapiUnion ObjectOptions() => new("ObjectOptions", "ObjectType", [.. Creatable.Select(c => c.Name)],
        name => Find(name) is { Create: not null } made ? made.Members : null);
}
