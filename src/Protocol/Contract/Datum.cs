using HostMemd.Qapi;

namespace HostMemd.Protocol.Contract;

/// <summary>One member of an event's data.</summary>
public sealed record Datum<T>(string Name, QapiType<T> Typed, string Doc) : Member(Name, Typed, false, Doc)
{
    internal void Write(Members data, T value) => data.Add(Name, Typed.Write(value));
}
