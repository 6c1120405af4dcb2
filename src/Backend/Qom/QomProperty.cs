using HostMemd.Qapi;

namespace HostMemd.Backend.Qom;

/// <summary>
/// One row of a class: a property with the two types that QEMU shows of it. <see cref="Type"/> is the schema's, <see cref="QomType"/> is
/// that of <c>qom-list</c>.
/// </summary>
public sealed class QomProperty
{
    public required string Name { get; init; }
    public required QapiType Type { get; init; }
    public required string QomType { get; init; }

    /// <summary>The description in <c>qom-list-properties</c>, or null where QEMU has none.</summary>
    public string? Doc { get; init; }

    /// <summary>The description in the manual where QEMU has none.</summary>
    public string? Note { get; init; }

    /// <summary>A client must give it to <c>object-add</c>.</summary>
    public bool Required { get; init; }

    /// <summary>A client may give it to <c>object-add</c>.</summary>
    public bool InSchema { get; init; } = true;

    /// <summary>Why the property of that object cannot be changed now, whatever the value; null if it can.</summary>
    public Func<QomObject, QmpException?> Frozen { get; init; } = static _ => null;

    internal Func<QomObject, Value>? Getter { get; init; }
    internal Func<QomObject, Value, Waiter, ValueTask>? Setter { get; init; }

    public bool IsReadable => Getter is not null;
    public bool IsWritable => Setter is not null;

    public Member ToMember() => new(Name, Type, !Required, Doc ?? Note ?? "");

    /// <summary>Reads the value.</summary>
    /// <exception cref="QmpException">The property cannot be read.</exception>
    public Value Get(QomObject target) =>
        Getter is { } get ? get(target) : throw QmpErrors.PropertyNotReadable(target.Class.Name, Name);

    /// <summary>
    /// Sets the value. The part that needs the daemon's state is done before this returns; the task is the part that moves memory.
    /// </summary>
    /// <param name="target">The object.</param>
    /// <param name="value">The value, as the client sent it.</param>
    /// <param name="waiter">May cancel the part that moves memory.</param>
    /// <exception cref="QmpException">The property cannot be written, not any more, or not with this value; nothing was
    /// changed.</exception>
    public ValueTask Set(QomObject target, Value value, Waiter waiter = default) =>
        Setter is not { } set ? throw QmpErrors.PropertyNotWritable(target.Class.Name, Name)
        : Frozen(target) is { } refusal ? throw refusal
        : set(target, value, waiter);
}
