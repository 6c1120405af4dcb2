using HostMemd.Backend.Qom;
using HostMemd.Qapi;

namespace HostMemd.Hmp;

/// <summary>Sets a property from text.</summary>
static class TextProperty
{
    /// <inheritdoc cref="QomObject.Set"/>
    public static ValueTask Set(QomObject target, string property, string text)
    {
        if (target.Class.Find(property) is not { IsWritable: true } row)
            return target.Set(property, Value.From(text));
        Value value;
        try
        {
            value = StringInput.Read(row.Type, property, text);
        }
        catch (QmpException unreadable)
        {
            throw Refusal(target, row) ?? unreadable;
        }
        return row.Set(target, value);
    }

    /// <summary>
    /// The reason why the property cannot be changed at all, or null. QEMU's setters read the value themselves, some only after a
    /// refusal; a setter here receives the value. A value that no type accepts shows which comes first.
    /// </summary>
    static QmpException? Refusal(QomObject target, QomProperty row)
    {
        var mistyped = Try(() => row.Type.Check(Value.Null, row.Name));
        var refusal = Try(() => row.Set(target, Value.Null));
        return refusal?.Message == mistyped?.Message ? null : refusal;
    }

    static QmpException? Try(Action act)
    {
        try
        {
            act();
            return null;
        }
        catch (QmpException e)
        {
            return e;
        }
    }
}
