using System.Text;
using System.Text.Json;

namespace HostMemd.Fuzz;

/// <summary>What was sent in the recorded sessions, one message each, and the words they are made of.</summary>
sealed class Seeds
{
    const int Longest = 4096;

    // What ends the daemon or hands it over is no fault of its when it does.
    static readonly string[] s_left = ["quit", "x-takeover", "\"q\"", "'q'"];

    static readonly string[] s_work =
    [
        "object-add", "object_add", "object-del", "object_del", "query-memdev-mappings", "query-memdev-stats", "prealloc", "qmp-schema",
        "qom-list-types", "info ", "help", "qom-list-properties", "device-list-properties", "query-commands",
    ];

    // Ours, which QEMU was never asked.
    static readonly string[] s_own =
    [
        """{"execute":"memdev-map","arguments":{"id":"m"}}""",
        """{"execute":"memdev-map","arguments":{"id":"m","readonly":true,"name":"x","pid":1}}""",
        """{"execute":"memdev-unmap","arguments":{"mapping":"map1"}}""",
        """{"execute":"query-memdev-mappings","arguments":{"id":"m"}}""",
        """{"execute":"query-memdev-stats","arguments":{"id":"m"}}""",
        """{"execute":"query-memdev-limits"}""",
        """{"execute":"query-memdev-session"}""",
        """{"execute":"query-memdev-jobs"}""",
        """{"execute":"query-memdev-host"}""",
        """{"execute":"memdev-watch","arguments":{"enable":true}}""",
        """{"execute":"memdev-prealloc","arguments":{"id":"m","job-id":"j","threads":2}}""",
        """{"execute":"query-jobs"}""",
        """{"execute":"job-cancel","arguments":{"id":"j"}}""",
        """{"execute":"job-dismiss","arguments":{"id":"j"}}""",
        """{"execute":"job-pause","arguments":{"id":"j"}}""",
        """{"execute":"job-resume","arguments":{"id":"j"}}""",
        """{"execute":"getfd","arguments":{"fdname":"f"}}""",
        """{"execute":"closefd","arguments":{"fdname":"f"}}""",
        """{"execute":"add-fd","arguments":{"fdset-id":1,"opaque":"o"}}""",
        """{"execute":"remove-fd","arguments":{"fdset-id":1}}""",
        """{"execute":"query-fdsets"}""",
        """{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}""",
        """{"exec-oob":"query-jobs","id":1}""",
        """{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"m","size":65536}}""",
        """{"execute":"object-add","arguments":{"qom-type":"memory-backend-memfd","id":"m","size":65536,"share":true,"prealloc":true}}""",
        """{"execute":"object-add","arguments":{"qom-type":"memory-backend-file","id":"n","size":65536,"mem-path":"@TMP@/f","share":true}}""",
        """{"execute":"object-add","arguments":{"qom-type":"memory-backend-file","id":"o","size":65536,"mem-path":"@TMP@"}}""",
        """{"execute":"object-add","arguments":{"qom-type":"memory-backend-shm","id":"m","size":65536}}""",
        """{"execute":"object-add","arguments":{"qom-type":"thread-context","id":"t","cpu-affinity":[0]}}""",
        """{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"p","size":65536,"prealloc":true,"prealloc-context":"t"}}""",
        """{"execute":"object-del","arguments":{"id":"m"}}""",
        """{"execute":"object-del","arguments":{"id":"n"}}""",
        """{"execute":"object-del","arguments":{"id":"t"}}""",
        """{"execute":"qom-set","arguments":{"path":"m","property":"merge","value":false}}""",
        """{"execute":"qom-get","arguments":{"path":"/objects/m","property":"size"}}""",
    ];

    Seeds(string[] messages, string[] words, string[] numbers)
    {
        Messages = messages;
        var byWork = messages.ToLookup(m => s_work.Any(w => m.Contains(w, StringComparison.Ordinal)), m => Token.Cut(Encoding.UTF8.GetBytes(m)));
        (Quick, Slow) = ([.. byWork[false]], [.. byWork[true]]);
        Words = words;
        Numbers = numbers;
    }

    public string[] Messages { get; }

    /// <summary>Those that cost microseconds, cut.</summary>
    public List<Token>[] Quick { get; }

    /// <summary>Those that map memory, begin threads, look through /proc or have large replies.</summary>
    public List<Token>[] Slow { get; }

    /// <summary>JSON strings with their quotes.</summary>
    public string[] Words { get; }

    public string[] Numbers { get; }

    public static bool IsLeftOut(string message) => s_left.Any(w => message.Contains(w, StringComparison.Ordinal));

    /// <param name="folder">Stands for <c>@TMP@</c>.</param>
    public static Seeds Load(string folder)
    {
        var messages = new List<string>(s_own);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Recordings"), "*.jsonl").Order(StringComparer.Ordinal))
        {
            foreach (var line in File.ReadLines(file).Where(l => l.Length > 0))
            {
                using var session = JsonDocument.Parse(line);
                foreach (var step in session.RootElement.GetProperty("steps").EnumerateArray())
                    messages.AddRange(SentBy(step));
            }
        }
        string[] kept = [.. messages.Select(m => m.Replace("@TMP@", folder, StringComparison.Ordinal))
            .Where(m => m.Length is > 0 and <= Longest && !IsLeftOut(m)).Distinct()];
        var tokens = kept.SelectMany(m => Token.Cut(Encoding.UTF8.GetBytes(m)).Select(t => t.Text)).Distinct().ToArray();
        return new(kept, [.. tokens.Where(t => t[0] == '"' && t.Length < 100)], [.. tokens.Where(t => t[0] == '-' || char.IsAsciiDigit(t[0]))]);
    }

    static IEnumerable<string> SentBy(JsonElement step)
    {
        if (step.TryGetProperty("send", out var text))
            return text.GetString()!.Split('\n');
        if (step.TryGetProperty("send_parts", out var parts))
            return [string.Concat(parts.EnumerateArray().Select(p => p.GetString()))];
        // Bytes that are no text are what the raw mutations make.
        return [];
    }
}
