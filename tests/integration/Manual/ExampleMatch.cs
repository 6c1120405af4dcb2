using System.Text.Json;

namespace HostMemd.Integration.Manual;

/// <summary>Compares an answer with the manual's: members in any order, "&lt;…&gt;" is any value, "..." stands for omitted parts.</summary>
static class ExampleMatch
{
    const string More = "...";

    public static bool Fits(JsonElement manual, JsonElement answer)
    {
        if (manual.ValueKind == JsonValueKind.String && manual.GetString() is ['<', .., '>'])
            return true;
        if (manual.ValueKind != answer.ValueKind)
            return false;
        return manual.ValueKind switch
        {
            JsonValueKind.Object => FitsObject(manual, answer),
            JsonValueKind.Array => FitsArray(manual, answer),
            JsonValueKind.String => manual.GetString() == answer.GetString(),
            JsonValueKind.Number => manual.GetRawText() == answer.GetRawText(),
            _ => true,
        };
    }

    static bool FitsObject(JsonElement manual, JsonElement answer)
    {
        var shown = manual.EnumerateObject().Where(m => m.Name != More).ToArray();
        var isOpen = manual.TryGetProperty(More, out _);
        return (isOpen || shown.Length == answer.EnumerateObject().Count())
            && shown.All(m => answer.TryGetProperty(m.Name, out var theirs) && Fits(m.Value, theirs));
    }

    static bool FitsArray(JsonElement manual, JsonElement answer)
    {
        JsonElement[] shown = [.. manual.EnumerateArray()];
        var isOpen = shown is [.., { ValueKind: JsonValueKind.String } last] && last.GetString() == More;
        if (isOpen)
            shown = shown[..^1];
        return (isOpen ? shown.Length < answer.GetArrayLength() : shown.Length == answer.GetArrayLength())
            && shown.Zip(answer.EnumerateArray()).All(pair => Fits(pair.First, pair.Second));
    }
}
