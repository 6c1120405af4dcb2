using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace HostMemd.Integration.Recordings;

/// <summary>
/// Compares a recorded reply with the daemon's, by the rules at the head of shared/tools/qmp-replay. Members in any order, 1 and 1.0
/// alike, true and 1 apart, placeholders for what varies.
/// </summary>
static partial class JsonMatch
{
    public static bool Same(JsonElement expected, JsonElement actual, bool unordered = false)
    {
        if (expected.ValueKind == JsonValueKind.String)
        {
            switch (expected.GetString())
            {
                case "@INT@":
                    return actual.ValueKind == JsonValueKind.Number && Integer().IsMatch(actual.GetRawText());
                case "@STR@":
                    return actual.ValueKind == JsonValueKind.String;
                case "@ANY@":
                    return true;
            }
        }
        if (expected.ValueKind != actual.ValueKind)
            return false;
        return expected.ValueKind switch
        {
            JsonValueKind.Number => SameNumber(expected.GetRawText(), actual.GetRawText()),
            JsonValueKind.String => expected.GetString() == actual.GetString(),
            JsonValueKind.Object => SameObject(expected, actual, unordered),
            JsonValueKind.Array => unordered ? SameMultiset(expected, actual) : SameList(expected, actual),
            _ => true,
        };
    }

    /// <summary>An object needs its members to match, an array each of its elements some element.</summary>
    public static bool Contains(JsonElement expected, JsonElement actual) => (expected.ValueKind, actual.ValueKind) switch
    {
        (JsonValueKind.Object, JsonValueKind.Object) => expected.EnumerateObject()
            .All(m => actual.TryGetProperty(m.Name, out var theirs) && Contains(m.Value, theirs)),
        (JsonValueKind.Array, JsonValueKind.Array) => expected.EnumerateArray()
            .All(e => actual.EnumerateArray().Any(a => Contains(e, a))),
        _ => Same(expected, actual),
    };

    static bool SameNumber(string expected, string actual)
    {
        if (Integer().IsMatch(expected) && Integer().IsMatch(actual))
            return Digits(expected) == Digits(actual);
        return double.Parse(expected, CultureInfo.InvariantCulture).Equals(double.Parse(actual, CultureInfo.InvariantCulture));
    }

    static System.Numerics.BigInteger Digits(string text) => System.Numerics.BigInteger.Parse(text, CultureInfo.InvariantCulture);

    static bool SameObject(JsonElement expected, JsonElement actual, bool unordered)
    {
        var members = expected.EnumerateObject().ToList();
        return members.Count == actual.EnumerateObject().Count()
            && members.TrueForAll(m => actual.TryGetProperty(m.Name, out var theirs) && Same(m.Value, theirs, unordered));
    }

    static bool SameList(JsonElement expected, JsonElement actual) => expected.GetArrayLength() == actual.GetArrayLength()
        && expected.EnumerateArray().Zip(actual.EnumerateArray()).All(pair => Same(pair.First, pair.Second));

    static bool SameMultiset(JsonElement expected, JsonElement actual)
    {
        var left = actual.EnumerateArray().ToList();
        foreach (var wanted in expected.EnumerateArray())
        {
            var at = left.FindIndex(candidate => Same(wanted, candidate, unordered: true));
            if (at < 0)
                return false;
            left.RemoveAt(at);
        }
        return left.Count == 0;
    }

    /// <summary>The line with its end, byte for byte, placeholders aside.</summary>
    public static Regex Bytes(string expected)
    {
        var pattern = Regex.Escape(expected);
        foreach (var (name, what) in ((string, string)[])[("INT", @"-?\d+"), ("STR", "\"(?:[^\"\\\\]|\\\\.)*\""), ("ANY", ".*")])
            pattern = pattern.Replace(Regex.Escape($"\"@{name}@\""), what, StringComparison.Ordinal);
        return new Regex(@"\A" + pattern + @"\r\n\z", RegexOptions.Singleline | RegexOptions.CultureInvariant);
    }

    [GeneratedRegex(@"^-?\d+$")]
    private static partial Regex Integer();
}
