using HostMemd.Qapi;

namespace HostMemd.Backend.Qom;

/// <summary>A list of classes, by name and in order.</summary>
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

    public IEnumerable<QomClass> Creatable => _all.Where(c => c.IsCreatable);

    /// <summary>The arguments of <c>object-add</c>, from the rows of the classes.</summary>
    public QapiUnion ObjectOptions() => new("ObjectOptions", "ObjectType", [.. Creatable.Select(c => c.Name)],
        name => Find(name) is { IsCreatable: true } made ? made.Members : null);
}
