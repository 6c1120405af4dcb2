using HostMemd.Backend.Qom;
using HostMemd.Qapi;

namespace HostMemd.Hmp;

/// <summary>Sets a property from text.</summary>
static class TextProperty
{
    /// <inheritdoc cref="QomObject.Set"/>
    public static ValueTask Set(QomObject target, string property, string text, Waiter waiter = default)
    {
        if (target.Class.Find(property) is not { IsWritable: true } row)
            return target.Set(property, Value.From(text), waiter);
        Value value;
        try
        {
            value = StringInput.Read(row.Type, property, text);
        }
        // QEMU's setters read the value themselves, and refuse a change that cannot be before they do.
        catch (QmpException unreadable)
        {
            throw row.Frozen(target) ?? unreadable;
        }
        return row.Set(target, value, waiter);
    }
}
