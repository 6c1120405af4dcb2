using HostMemd.Qapi;

namespace HostMemd.Protocol.Contract;

/// <summary>A declared argument: what the schema says of it, and how it is read from what the client sent.</summary>
public sealed record Arg<T>(string Name, QapiType Type, bool Optional, string Doc, Func<Value, T> Present, Func<T> Absent)
    : Member(Name, Type, Optional, Doc)
{
    /// <exception cref="QmpException">It is missing or of another type: <see cref="RefusalKind.InvalidArguments"/>.</exception>
    internal T Read(Members given, ref int found)
    {
        try
        {
            if (!given.TryGet(Name, out var value))
                return Absent();
            found++;
            return Present(value);
        }
        catch (QmpException mismatch)
        {
            throw mismatch.As(RefusalKind.InvalidArguments);
        }
    }
}
