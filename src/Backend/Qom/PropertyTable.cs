using HostMemd.Qapi;

namespace HostMemd.Backend.Qom;

/// <summary>
/// The rows of one class, in the order in which <c>object-add</c> checks them. Adding a property is adding a row.
/// </summary>
public sealed class PropertyTable<T> where T : QomObject
{
    readonly List<QomProperty> _rows = [];

    public IReadOnlyList<QomProperty> Rows => _rows;

    /// <param name="name">The wire's name.</param>
    /// <param name="type">Its type in the schema.</param>
    /// <param name="doc">QEMU's description, or null where it has none.</param>
    /// <param name="get">Reads the property; null if it can only be written.</param>
    /// <param name="set">Sets the property; null if it can only be read.</param>
    /// <param name="qomType">What <c>qom-list</c> calls the type, where that differs from the schema's kind.</param>
    /// <param name="required">A client must give it to <c>object-add</c>.</param>
    /// <param name="inSchema">A client may give it to <c>object-add</c>.</param>
    /// <param name="frozen">Why the property cannot be changed now, whatever the value; null if it can.</param>
    /// <param name="note">What the manual says where QEMU says nothing.</param>
    public PropertyTable<T> Row<V>(
        string name, QapiType<V> type, string? doc, Func<T, V>? get, Action<T, V>? set,
        string? qomType = null, bool required = false, bool inSchema = true, Func<T, QmpException?>? frozen = null, string? note = null)
    {
        return SlowRow(name, type, doc, get, set is null ? null : Quick, qomType, required, inSchema, frozen, note);

        ValueTask Quick(T target, V value, Waiter waiter)
        {
            set(target, value);
            return default;
        }
    }

    /// <summary>A row whose setter moves memory: the setter returns before the memory is moved.</summary>
    public PropertyTable<T> SlowRow<V>(
        string name, QapiType<V> type, string? doc, Func<T, V>? get, Func<T, V, Waiter, ValueTask>? set,
        string? qomType = null, bool required = false, bool inSchema = true, Func<T, QmpException?>? frozen = null, string? note = null)
    {
        _rows.Add(new QomProperty
        {
            Name = name,
            Type = type,
            QomType = qomType ?? KindOf(type),
            Doc = doc,
            Note = note,
            Required = required,
            InSchema = inSchema && set is not null,
            Getter = get is null ? null : target => type.Write(get((T)target)),
            Frozen = frozen is null ? static _ => null : target => frozen((T)target),
            Setter = set is null ? null : (target, value, waiter) => set((T)target, type.Read(value, name), waiter),
        });
        return this;
    }

    // QOM has no lists: a list of numbers is called by the type of its elements.
    static string KindOf(QapiType type) => type.Shape switch
    {
        BuiltinShape { JsonType: "boolean" } => "bool",
        BuiltinShape { JsonType: "string" } => "string",
        ArrayShape array => KindOf(array.Element),
        _ => type.Name,
    };
}
