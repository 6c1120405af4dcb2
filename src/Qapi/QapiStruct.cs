namespace HostMemd.Qapi;

/// <summary>
/// A class and its members on the wire. An absent member leaves the property at its default; a property that is null in C# is absent on
/// the wire.
/// </summary>
/// <param name="name">The schema's name.</param>
/// <param name="declare">Declares the members in the order in which they are written. Called at the first use.</param>
public sealed class QapiStruct<T>(string name, Action<QapiStruct<T>.Rows> declare) : QapiType<T> where T : class, new()
{
    // Few are needed at start. After a failure for want of memory the next use tries again.
    readonly Lazy<List<Slot>> _rows = new(() =>
    {
        var rows = new Rows();
        declare(rows);
        return rows.All;
    }, LazyThreadSafetyMode.PublicationOnly);

    // In the order in which QEMU walks the members. Absent ones do not change the order of the others.
    Slot[]? _inQemusOrder;

    /// <param name="Write">The member's value; null for one that is absent.</param>
    /// <param name="WriteLazily">The same, by the type's own <see cref="QapiType{T}.WriteLazily"/>.</param>
    /// <param name="Read">Sets the member.</param>
    internal sealed record Slot(
        string Name, QapiType Type, bool Optional, string Doc, Func<T, Value?> Write, Func<T, Value?> WriteLazily,
        Action<T, Value, string> Read)
        : Member(Name, Type, Optional, Doc);

    public override string Name { get; } = name;
    public override TypeShape Shape => new ObjectShape(_rows.Value);

    public override Value Write(T value)
    {
        var members = new Members(_rows.Value.Count);
        foreach (var row in _rows.Value)
        {
            if (row.Write(value) is { } written)
                members.Add(row.Name, written);
        }
        return Value.From(members);
    }

    public override bool IsComposite => true;

    public override Value WriteLazily(T value) => Value.From(new Lazily(this, value));

    Slot[] InQemusOrder()
    {
        var all = new Members(_rows.Value.Count);
        foreach (var row in _rows.Value)
            all.Add(row.Name, Value.Null);
        var order = new int[all.Count];
        QDictOrder.Fill(all, order);
        return Array.ConvertAll(order, at => _rows.Value[at]);
    }

    sealed class Lazily(QapiStruct<T> type, T value) : LazyMembers
    {
        readonly Slot[] _rows = type._inQemusOrder ??= type.InQemusOrder();

        public override int Count => _rows.Length;

        public override bool TryGet(int index, out string name, out Value member)
        {
            var written = _rows[index].WriteLazily(value);
            (name, member) = (_rows[index].Name, written ?? Value.Null);
            return written is not null;
        }

        internal override Members ToMembers() => type.Write(value).TryObject(out var members) ? members : Members.None;
    }

    public override T Read(Value value, string? name)
    {
        if (!value.TryObject(out var members))
            throw QmpErrors.InvalidParameterType(name, "object");
        var result = new T();
        foreach (var row in _rows.Value)
        {
            if (members.TryGet(row.Name, out var member))
                row.Read(result, member, Numbers.MemberOf(name, row.Name));
            else if (!row.Optional)
                throw QmpErrors.ParameterMissing(Numbers.MemberOf(name, row.Name));
        }
        foreach (var (member, _) in members)
        {
            if (!_rows.Value.Exists(r => r.Name == member))
                throw QmpErrors.ParameterUnexpected(Numbers.MemberOf(name, member));
        }
        return result;
    }

    /// <summary>Collects the declarations of the members.</summary>
    public sealed class Rows
    {
        internal List<Slot> All { get; } = [];

        public Rows Row<TMember>(string name, QapiType<TMember> type, string doc, Func<T, TMember> get, Action<T, TMember> set) =>
            Add(name, type, false, doc, o => type.Write(get(o)), o => type.WriteLazily(get(o)), (o, v, n) => set(o, type.Read(v, n)));

        /// <summary>An optional member of a reference type.</summary>
        public Rows Opt<TMember>(string name, QapiType<TMember> type, string doc, Func<T, TMember?> get, Action<T, TMember> set)
            where TMember : class => Add(name, type, true, doc, o => get(o) is { } v ? type.Write(v) : null,
                o => get(o) is { } v ? type.WriteLazily(v) : null, (o, v, n) => set(o, type.Read(v, n)));

        /// <summary>An optional member of a value type.</summary>
        public Rows Opt<TMember>(string name, QapiType<TMember> type, string doc, Func<T, TMember?> get, Action<T, TMember> set)
            where TMember : struct => Add(name, type, true, doc, o => get(o) is { } v ? type.Write(v) : null,
                o => get(o) is { } v ? type.WriteLazily(v) : null, (o, v, n) => set(o, type.Read(v, n)));

        // Numbers have no WriteLazily of their own, and ReadyToRun then compiles no code for it.
        Rows Add<TMember>(string name, QapiType<TMember> type, bool optional, string doc, Func<T, Value?> write, Func<T, Value?> later,
            Action<T, Value, string> read)
        {
            All.Add(new(name, type, optional, doc, write, type.IsComposite ? later : write, read));
            return this;
        }
    }
}
