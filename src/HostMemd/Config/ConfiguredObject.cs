using HostMemd.Qapi;

namespace HostMemd.Config;

/// <summary>An object to be made at start.</summary>
/// <param name="Origin">The place of its configuration in error lines: <c>--object memory-backend-ram,id=a</c>.</param>
/// <param name="Text">The form <c>TYPE,id=ID,key=value</c>, or null when it was given as JSON.</param>
/// <param name="Json">The arguments of <c>object-add</c>; JSON's null when it was given as text.</param>
public sealed record ConfiguredObject(string Origin, string? Text, Value Json)
{
    /// <summary>Returns the arguments of <c>object-add</c>. A text is checked, JSON is returned as it is.</summary>
    /// <exception cref="QmpException">The text is wrong.</exception>
    public Value ToValue(QapiUnion types) => Text is null ? Json : OptsText.ToArguments(Text, types);

    /// <summary>Returns the start error for this object.</summary>
    public StartException Failed(QmpException reason) => new($"{Origin}: {reason.Message}");
}
