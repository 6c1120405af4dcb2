namespace HostMemd.Qapi;

/// <summary>
/// A type of the wire: its name, its description in the schema, and how a text becomes a value of it.
/// </summary>
public abstract class QapiType
{
    /// <summary>The schema's name, such as <c>str</c> or <c>HostMemPolicy</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The unit of a number, for the manual: <c>bytes</c>; null without a unit.</summary>
    public virtual string? Unit => null;

    /// <summary>The type's description in <c>query-qmp-schema</c>.</summary>
    public abstract TypeShape Shape { get; }

    /// <summary>
    /// Throws as <see cref="QapiType{T}.Read"/> would. For a value that is checked now and read later.
    /// </summary>
    /// <exception cref="QmpException">The value is not of this type.</exception>
    public abstract void Check(Value value, string? name);

    /// <summary>Reads the value from the text behind <c>name=</c>.</summary>
    /// <exception cref="QmpException">The text is no such value.</exception>
    public virtual Value FromText(string text, string name, TextForm form) =>
        throw QmpErrors.InvalidParameterType(name, Shape is ArrayShape ? "array" : "object");
}

/// <summary>A wire type and its C# counterpart.</summary>
public abstract class QapiType<T> : QapiType
{
    /// <param name="value">The client's value.</param>
    /// <param name="name">
    /// The value's name in error texts: a member's name, or null for an element of a list, which QEMU calls <c>null</c>.
    /// </param>
    /// <exception cref="QmpException">The value is not of this type; text and class are QEMU's.</exception>
    public abstract T Read(Value value, string? name);

    public abstract Value Write(T value);

    /// <summary>As <see cref="Write"/>, but members are produced while the reply is written. The value must not change afterwards.</summary>
    public virtual Value WriteLazily(T value) => Write(value);

    /// <summary>Whether <see cref="WriteLazily"/> differs from <see cref="Write"/>: the type has members or elements.</summary>
    public virtual bool IsComposite => false;

    public override void Check(Value value, string? name) => Read(value, name);
}

/// <summary>A kind of entry in <c>query-qmp-schema</c>.</summary>
public abstract record TypeShape;

/// <summary>A type that JSON has: <c>string</c>, <c>int</c>, <c>number</c>, <c>boolean</c>, <c>null</c>, <c>value</c>.</summary>
public sealed record BuiltinShape(string JsonType) : TypeShape;

public sealed record EnumShape(IReadOnlyList<string> Values) : TypeShape;

public sealed record ArrayShape(QapiType Element) : TypeShape;

/// <param name="Members">The members in the order in which they are checked.</param>
/// <param name="Tag">The member that selects the variant, or null.</param>
/// <param name="Variants">A case without a type of its own has none here: it adds no members.</param>
public sealed record ObjectShape(IReadOnlyList<Member> Members, string? Tag = null, IReadOnlyList<Variant>? Variants = null) : TypeShape;

public sealed record Variant(string Case, QapiType Type);
