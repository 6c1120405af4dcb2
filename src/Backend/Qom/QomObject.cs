using HostMemd.Qapi;

namespace HostMemd.Backend.Qom;

/// <summary>An instance in the tree. All members are called with the daemon's state held unless they say otherwise.</summary>
public abstract class QomObject(QomClass type, string name)
{
    /// <summary>The row that every class inherits.</summary>
    public static QomClass BaseClass { get; } = new("object", null, new PropertyTable<QomObject>()
        .Row("type", QapiTypes.Str, null, o => o.Class.Name, set: null, note: "The class of the object.")
        .Rows)
    {
        IsAbstract = true,
    };

    /// <summary>The interface of what <c>object-add</c> makes.</summary>
    public static QomClass UserCreatable { get; } = new("user-creatable", null, []) { IsInterface = true };

    public QomClass Class { get; } = type;

    /// <summary>The name in its parent; for objects made by <c>object-add</c> the id.</summary>
    public string Name { get; } = name;

    /// <summary>The user whose client added the object.</summary>
    public uint Owner { get; internal set; }

    public QomObject? Parent { get; internal set; }

    public string Path => Parent is null ? "/" : Parent.Parent is null ? "/" + Name : Parent.Path + "/" + Name;

    /// <summary>The children, oldest first.</summary>
    public virtual IEnumerable<QomObject> Children => [];

    public virtual QomObject? FindChild(string name) => Children.FirstOrDefault(c => c.Name == name);

    /// <summary>The object at the other end of a link of that name.</summary>
    public virtual QomObject? FindLink(string name) => null;

    /// <summary>
    /// Makes the object what its properties say, as far as mapping its memory. Called once, <b>without</b> the state: the object is not
    /// visible yet.
    /// </summary>
    /// <exception cref="QmpException">The object cannot be made; the caller calls <see cref="ReleaseAsync"/> next.</exception>
    public virtual ValueTask MapAsync() => default;

    /// <summary>
    /// Fills its memory, the part of making it that takes long. Called once after <see cref="MapAsync"/>, <b>without</b> the state; the
    /// objects of the configuration do it all at once.
    /// </summary>
    /// <exception cref="QmpException">The memory cannot be filled; the caller calls <see cref="ReleaseAsync"/> next.</exception>
    public virtual ValueTask FillAsync(Waiter waiter) => default;

    /// <summary>Called when the object becomes visible.</summary>
    public virtual void OnVisible() { }

    /// <summary>Bytes that the object counts in the limits.</summary>
    internal virtual ulong Cost => 0;

    /// <summary>The most mappings that the object takes of vm.max_map_count: the memory and its guard page.</summary>
    internal virtual ulong MostMappings => 2;

    /// <summary>The bytes of address space that the object takes, and whether they are private to this process.</summary>
    internal virtual (ulong Bytes, bool IsPrivate) Room => (0, false);

    /// <summary>The mappings exist: the kernel counts them by itself.</summary>
    internal bool IsSettled { get; set; }

    /// <summary>Another process goes on with the memory: releasing the object discards nothing.</summary>
    public bool IsKept { get; internal set; }

    /// <summary>A deletion is under way: no new use of the object may begin.</summary>
    public bool IsDoomed { get; internal set; }

    /// <summary>Why the object cannot be deleted now, or null.</summary>
    public virtual QmpException? DeletionRefusal() => null;

    /// <summary>
    /// As <see cref="DeletionRefusal"/>, by asking the kernel. Called <b>without</b> the state, after the object was doomed.
    /// </summary>
    public virtual ValueTask<QmpException?> DeletionRefusalAsync() => default;

    /// <summary>
    /// Releases everything that the object holds. Called <b>without</b> the state: the object is not visible any more. Does not throw.
    /// </summary>
    public virtual ValueTask ReleaseAsync() => default;

    /// <summary>
    /// Releases what the properties refer to. Called instead of all else when the object was refused before it was mapped.
    /// </summary>
    internal virtual void DiscardUnmapped() { }

    /// <summary>Reads a property.</summary>
    /// <exception cref="QmpException">There is no such property, or it cannot be read.</exception>
    public Value Get(string property) => Class.Find(property) is { } row ? row.Get(this)
        : FindChild(property) is { } child ? Value.From(child.Path)
        : throw QmpErrors.PropertyNotFound(Class.Name, property);

    /// <inheritdoc cref="QomProperty.Set"/>
    public ValueTask Set(string property, Value value, Waiter waiter = default) => Class.Find(property) is { } row ? row.Set(this, value, waiter)
        : FindChild(property) is null ? throw QmpErrors.PropertyNotFound(Class.Name, property)
        : throw QmpErrors.PropertyNotWritable(Class.Name, property);
}
