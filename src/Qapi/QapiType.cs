namespace HostMemd.Qapi;

/// <summary>
/// A type of the wire's vocabulary: how a client names it, what introspection says of it, how text becomes a value of it.
/// </summary>
public abstract class QapiType
{
    /// <summary>The schema's name, such as <c>str</c> or <c>HostMemPolicy</c>.</summary>
    public abstract string Name { get; }

    /// <summary>What a number counts, for the manual: <c>bytes</c>; null for what has no unit.</summary>
    public virtual string? Unit => null;

    /// <summary>What <c>query-qmp-schema</c> says of this type.</summary>
    public abstract TypeShape Shape { get; }

    /// <summary>
    /// Throws what <see cref="QapiType{T}.Read"/> would; used where a value is checked now and read later.
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
    /// <param name="value">What the client sent.</param>
    /// <param name="name">
    /// How error texts call it: a member's name, or null for an element of a list, which QEMU then calls <c>null</c>.
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

/// <summary>One kind of entry in <c>query-qmp-schema</c>.</summary>
public abstract record TypeShape;

/// <summary>A type that JSON has: <c>string</c>, <c>int</c>, <c>number</c>, <c>boolean</c>, <c>null</c>, <c>value</c>.</summary>
public sealed record BuiltinShape(string JsonType) : TypeShape;

public sealed record EnumShape(IReadOnlyList<string> Values) : TypeShape;

public sealed record ArrayShape(QapiType Element) : TypeShape;

/// <param name="Members">The members in the order in which they are checked.</param>
/// <param name="Tag">The member that chooses the variant, or null.</param>
/// <param name="Variants">A case without a type of its own has none here: it adds no members.</param>
public sealed record ObjectShape(IReadOnlyList<Member> Members, string? Tag = null, IReadOnlyList<Variant>? Variants = null) : TypeShape;

public sealed record Variant(string Case, QapiType Type);
