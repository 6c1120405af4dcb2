using HostMemd.Qapi;

namespace HostMemd.Qapi.Json;

/// <summary>One message of a client: a value, or an error to be answered with, after which reading goes on.</summary>
/// <param name="Value">The value; JSON's null when there is an error.</param>
/// <param name="Error">What the client is told; null for a value.</param>
public readonly record struct JsonResult(Value Value, QmpException? Error);
