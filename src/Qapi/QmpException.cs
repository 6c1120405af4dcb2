namespace HostMemd.Qapi;

/// <summary>The classes that QEMU's schema lists in <c>QapiErrorClass</c>; the names are the wire's.</summary>
public enum ErrorClass { GenericError, CommandNotFound, DeviceNotActive, DeviceNotFound, KVMMissingCap }

/// <summary>
/// A refusal that a client may see word for word. Only the factories of <see cref="QmpErrors"/> make one.
/// </summary>
public sealed class QmpException(ErrorClass errorClass, string description, RefusalKind kind = RefusalKind.Refused) : Exception(description)
{
    public ErrorClass Class { get; } = errorClass;

    public RefusalKind Kind { get; } = kind;

    /// <summary>The same error of another kind, for a caller that knows the kind.</summary>
    public QmpException As(RefusalKind kind) => kind == Kind ? this : new(Class, Message, kind);
}
