using HostMemd.Qapi;

namespace HostMemd.Hmp;

/// <summary>The texts of <c>qom-set</c> without <c>-j</c>: a third dialect, in which a list is <c>0,2,4-7</c>.</summary>
static class StringInput
{
    /// <exception cref="QmpException">The text is no value of the type.</exception>
    public static Value Read(QapiType type, string name, string text)
    {
        if (type.Shape is ArrayShape { Element: { Shape: BuiltinShape { JsonType: "int" } } element })
            return ReadList(element, text);
        if (type == QapiTypes.Size)
            return TextSizes.TryRead(text, out var bytes) ? Value.From(bytes) : throw QmpErrors.Expects(name, "a size value");
        if (type == QapiTypes.Int)
            return TextNumbers.TryReadInt64(text, out var number) ? Value.From(number) : throw QmpErrors.Expects(name, "int64");
        if (type.Shape is BuiltinShape { JsonType: "int" })
            return TextNumbers.TryReadUInt64(text, out var bits) ? Value.From(bits) : throw QmpErrors.Expects(name, "uint64");
        return type.FromText(text, name, TextForm.KeyValue);
    }

    // QEMU checks each element as it reads it, so it reports a number that is too large before a letter behind it. Its error does
    // not name the list.
    static Value ReadList(QapiType element, string text)
    {
        var items = new List<Value>();
        var at = 0;
        do
        {
            if (!TryReadRange(text, ref at, out var first, out var last))
                throw QmpErrors.Expects(null, "list of uint64 values or ranges");
            for (var number = first; ; number++)
            {
                var item = Value.From(number);
                element.Check(item, null);
                items.Add(item);
                if (number == last)
                    break;
            }
        }
        // A comma may end the text.
        while (at < text.Length);
        return Value.From(items);
    }

    /// <summary>One number or range, and the comma behind it.</summary>
    static bool TryReadRange(string text, ref int at, out ulong first, out ulong last)
    {
        last = 0;
        if (!TextNumbers.TryReadUInt64(text, ref at, out first))
            return false;
        last = first;
        if (at < text.Length && text[at] == '-')
        {
            at++;
            if (!TextNumbers.TryReadUInt64(text, ref at, out last) || last < first || last - first >= Numbers.RangeLimit)
                return false;
        }
        return at == text.Length || text[at++] == ',';
    }
}
