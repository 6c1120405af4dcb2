using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Dispatch;

/// <summary>The object of a command for the audit log: quoted, and at most 200 characters long.</summary>
static class AuditTarget
{
    const int Longest = 200;

    public static string Of(Members arguments)
    {
        foreach (var member in (ReadOnlySpan<string>)["id", "path", "mapping", "fdname", "command-line"])
        {
            if (!arguments.TryGet(member, out var value))
                continue;
            var text = JsonWriter.ToText(value);
            if (arguments.TryGet("property", out var property))
                text += " " + JsonWriter.ToText(property);
            return Bounded(text);
        }
        return "-";
    }

    public static string Bounded(string text) => text.Length <= Longest ? text : text[..Longest] + "...";
}
