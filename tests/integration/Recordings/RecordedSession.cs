using System.Text.Json;
using HostMemd.Integration.Harness;

namespace HostMemd.Integration.Recordings;

/// <summary>
/// One recorded session: the requests to QEMU 11.1.2 and its replies. The format is described in shared/tools/qmp-replay.
/// </summary>
sealed record RecordedSession(string Name, string Json)
{
    static readonly Dictionary<string, Lazy<Dictionary<string, RecordedSession>>> s_files =
        new[] { "hmp", "objects", "protocol", "qom" }.ToDictionary(name => name, name => new Lazy<Dictionary<string, RecordedSession>>(() => Load(name)));

    public static IEnumerable<string> Names(string file) => s_files[file].Value.Keys;

    public static RecordedSession Find(string file, string name) => s_files[file].Value[name];

    static Dictionary<string, RecordedSession> Load(string name)
    {
        var result = new Dictionary<string, RecordedSession>();
        foreach (var line in File.ReadLines(Path.Combine(Repository.Recordings, name + ".jsonl")))
        {
            if (line.Length == 0)
                continue;
            var told = QmpClient.Parse(line).GetProperty("name").GetString()!;
            // Names are unique so far; a later recording may repeat one.
            var unique = told;
            for (var n = 2; !result.TryAdd(unique, new(unique, line)); n++)
                unique = $"{told} ({n})";
        }
        return result;
    }

    /// <summary>The session with @TMP@ replaced.</summary>
    public JsonElement In(string folder) =>
        QmpClient.Parse(Json.Replace("@TMP@", JsonEncodedText.Encode(folder).ToString(), StringComparison.Ordinal));
}
