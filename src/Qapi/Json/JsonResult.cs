using HostMemd.Qapi;

namespace HostMemd.Qapi.Json;

/// <summary>One message of a client: a value, or the error that is its reply. Reading goes on after either.</summary>
/// <param name="Value">The value; JSON's null with an error.</param>
/// <param name="Error">The error; null with a value.</param>
public readonly record struct JsonResult(Value Value, QmpException? Error);
