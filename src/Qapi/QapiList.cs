using System.Collections;

namespace HostMemd.Qapi;

sealed class QapiList<T>(QapiType<T> element) : QapiType<IReadOnlyList<T>>
{
    public override string Name { get; } = element.Name + "List";
    public override TypeShape Shape { get; } = new ArrayShape(element);

    public override IReadOnlyList<T> Read(Value value, string? name)
    {
        if (!value.TryList(out var items))
            throw QmpErrors.InvalidParameterType(name, "array");
        var result = new T[items.Count];
        for (var i = 0; i < result.Length; i++)
            result[i] = element.Read(items[i], Numbers.ElementOf(name, i));
        return result;
    }

    public override Value Write(IReadOnlyList<T> value)
    {
        if (value.Count == 0)
            return s_empty;
        var items = new Value[value.Count];
        for (var i = 0; i < items.Length; i++)
            items[i] = element.Write(value[i]);
        return Value.From(items);
    }

    static readonly Value s_empty = Value.From(Array.Empty<Value>());

    // Numbers and names are written at once: they take less than a list that makes them.
    public override bool IsComposite => element.IsComposite;

    public override Value WriteLazily(IReadOnlyList<T> value) =>
        value.Count > 0 && IsComposite ? Value.From(new Later(element, value)) : Write(value);

    sealed class Later(QapiType<T> element, IReadOnlyList<T> items) : IReadOnlyList<Value>
    {
        public Value this[int index] => element.WriteLazily(items[index]);
        public int Count => items.Count;

        public IEnumerator<Value> GetEnumerator()
        {
            for (var i = 0; i < Count; i++)
                yield return this[i];
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    /// <summary>On the command line a list of numbers is one or more inclusive ranges: <c>0-3</c>.</summary>
    public override Value FromText(string text, string name, TextForm form)
    {
        if (form != TextForm.CommandLine || element.Shape is not BuiltinShape { JsonType: "int" })
            return base.FromText(text, name, form);
        var dash = text.IndexOf('-', 1);
        if (dash < 0)
            return Value.From([element.FromText(text, name, form)]);
        if (!Numbers.TryParseUInt(text[..dash], out var first) || !Numbers.TryParseUInt(text[(dash + 1)..], out var last)
            || first > last || last - first >= Numbers.RangeLimit)
            throw QmpErrors.Expects(name, "a uint64 value or range");
        var items = new Value[last - first + 1];
        for (var i = 0; i < items.Length; i++)
            items[i] = Value.From(first + (ulong)i);
        return Value.From(items);
    }
}
