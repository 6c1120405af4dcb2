using HostMemd.Qapi;

namespace HostMemd.Backend.Qom;

/// <summary>The tree of all objects and the ways to address one.</summary>
public sealed class QomTree
{
    readonly Container _root = new("");

    /// <param name="machine">The object at <c>/machine</c>.</param>
    public QomTree(QomObject machine)
    {
        // The children of QEMU's root, in its order. All but /machine and /objects stay empty here.
        QomObject[] children = [new Container("backend"), machine, Objects, new Container("chardevs"), new Container("audiodevs")];
        foreach (var child in children)
            _root.Adopt(child);
    }

    public QomObject Root => _root;

    /// <summary>A property of an object below <c>/objects</c> has changed. Raised with the state held.</summary>
    public event Action<QomObject>? Changed;

    internal void NotifyChanged(QomObject target) => Changed?.Invoke(target);

    /// <summary>The parent of the objects that <c>object-add</c> makes.</summary>
    public Container Objects { get; } = new("objects");

    /// <summary>Resolves an absolute or partial path.</summary>
    /// <exception cref="QmpException">No object, or more than one: class DeviceNotFound in either case.</exception>
    public QomObject Resolve(string path) => Find(path, out _) ?? throw QmpErrors.DeviceNotFound(path);

    /// <summary>As <see cref="Resolve"/>, but with an error of its own for an ambiguous path, as <c>qom-list</c> has.</summary>
    public QomObject ResolveForList(string path) =>
        Find(path, out var ambiguous) ?? throw (ambiguous ? QmpErrors.PathAmbiguous(path) : QmpErrors.DeviceNotFound(path));

    QomObject? Find(string path, out bool ambiguous)
    {
        ambiguous = false;
        if (path.StartsWith("/objects/", StringComparison.Ordinal) && path.IndexOf('/', 9) < 0 && path.Length > 9)
            return Objects.FindChild(path.AsSpan(9));
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (path.StartsWith('/'))
            return Descend(_root, parts);
        return FindPartial(_root, parts, ref ambiguous);
    }

    static QomObject? Descend(QomObject from, ReadOnlySpan<string> parts)
    {
        var at = from;
        foreach (var part in parts)
        {
            if ((at.FindChild(part) ?? at.FindLink(part)) is not { } next)
                return null;
            at = next;
        }
        return at;
    }

    // QEMU: the path may begin at any object; two that fit make it ambiguous.
    static QomObject? FindPartial(QomObject from, ReadOnlySpan<string> parts, ref bool ambiguous)
    {
        var found = Descend(from, parts);
        // The only names below an object end in "[0]": other searches need not look into every object.
        if (from is Container { Parent: not null } && parts.Length > 0 && !parts[0].EndsWith(']'))
            return found;
        foreach (var child in from.Children)
        {
            var below = FindPartial(child, parts, ref ambiguous);
            if (ambiguous)
                return null;
            if (below is null)
                continue;
            if (found is not null)
            {
                ambiguous = true;
                return null;
            }
            found = below;
        }
        return found;
    }
}
