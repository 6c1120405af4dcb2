namespace HostMemd.Qapi;

/// <summary>One named, typed, documented slot: an argument, a member of a struct, a property of an object.</summary>
/// <param name="Name">As on the wire.</param>
/// <param name="Type">Its type in the schema.</param>
/// <param name="Optional">A client may omit it.</param>
/// <param name="Doc">One sentence for the manual.</param>
public record Member(string Name, QapiType Type, bool Optional, string Doc);
