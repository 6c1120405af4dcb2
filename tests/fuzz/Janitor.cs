using System.Text.Json;

namespace HostMemd.Fuzz;

/// <summary>Puts a daemon back to its start: no leases, no objects, no jobs, no sets.</summary>
static class Janitor
{
    /// <param name="ask">Sends a request and gives the reply.</param>
    public static void Clean(Func<string, JsonElement> ask)
    {
        foreach (var mapping in List("query-memdev-mappings"))
        {
            if (mapping.TryGetProperty("mapping", out var lease))
                ask($$$"""{"execute":"memdev-unmap","arguments":{"mapping":{{{lease.GetRawText()}}}}}""");
        }
        foreach (var job in List("query-jobs"))
            ask($$$"""{"execute":"job-dismiss","arguments":{"id":{{{job.GetProperty("id").GetRawText()}}}}}""");
        // A thread-context is last to go: the backends made with it link to it.
        foreach (var set in List("query-fdsets"))
            ask($$$"""{"execute":"remove-fd","arguments":{"fdset-id":{{{set.GetProperty("fdset-id").GetRawText()}}}}}""");
        foreach (var child in Result("""{"execute":"qom-list","arguments":{"path":"/objects"}}""").EnumerateArray())
        {
            if (child.GetProperty("type").GetString()!.StartsWith("child<", StringComparison.Ordinal))
                ask($$$"""{"execute":"object-del","arguments":{"id":{{{child.GetProperty("name").GetRawText()}}}}}""");
        }

        JsonElement[] List(string command) => [.. Result($$$"""{"execute":"{{{command}}}"}""").EnumerateArray()];

        JsonElement Result(string request)
        {
            var reply = ask(request);
            return reply.TryGetProperty("return", out var result) ? result : throw new RuleBrokenException($"{request} was answered {reply}");
        }
    }

    /// <summary>What is left in the daemon's folder: nothing, but for what was there.</summary>
    public static int Objects(Func<string, JsonElement> ask) =>
        ask("""{"execute":"qom-list","arguments":{"path":"/objects"}}""").GetProperty("return").EnumerateArray()
            .Count(c => c.GetProperty("type").GetString()!.StartsWith("child<", StringComparison.Ordinal));
}
