using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;

namespace HostMemd.Integration.Prealloc;

/// <summary>A client that collects the events between replies.</summary>
sealed class Talk(DaemonProcess daemon) : IDisposable
{
    readonly QmpClient _client = daemon.Connect();

    public List<JsonElement> Events { get; } = [];

    public void Send(string name, JsonObject? arguments = null) => _client.Command(name, arguments);

    public JsonElement Reply()
    {
        while (true)
        {
            var message = _client.Reply(TimeSpan.FromSeconds(60));
            if (!message.TryGetProperty("event", out _))
                return message;
            Events.Add(message);
        }
    }

    public JsonElement Ask(string name, JsonObject? arguments = null)
    {
        Send(name, arguments);
        var reply = Reply();
        Assert.True(reply.TryGetProperty("return", out var result), $"{name} {arguments}: {reply}");
        return result;
    }

    public string Refused(string name, JsonObject? arguments = null)
    {
        Send(name, arguments);
        return Error(Reply());
    }

    public static string Error(JsonElement reply)
    {
        Assert.True(reply.TryGetProperty("error", out var error), reply.ToString());
        return error.GetProperty("desc").GetString()!;
    }

    public static JsonObject New(string type, string id, ulong size, JsonObject? more = null)
    {
        var arguments = new JsonObject { ["qom-type"] = "memory-backend-" + type, ["id"] = id, ["size"] = size };
        foreach (var (name, value) in more ?? [])
            arguments[name] = value?.DeepClone();
        return arguments;
    }

    public void Add(string type, string id, ulong size, JsonObject? more = null) => Ask("object-add", New(type, id, size, more));

    public void Fill(string id, string job) => Ask("memdev-prealloc", new() { ["id"] = id, ["job-id"] = job });

    public void Delete(string id) => Ask("object-del", new() { ["id"] = id });

    public JsonElement Stats(string id) => Ask("query-memdev-stats", new() { ["id"] = id })[0];

    public JsonElement? Job(string id)
    {
        foreach (var job in Ask("query-jobs").EnumerateArray())
        {
            if (job.GetProperty("id").GetString() == id)
                return job;
        }
        return null;
    }

    public string Status(string job) => Job(job)?.GetProperty("status").GetString() ?? "null";

    public ulong Progress(string job) => Job(job)?.GetProperty("current-progress").GetUInt64() ?? 0;

    public void Verb(string verb, string job) => Ask("job-" + verb, new() { ["id"] = job });

    public JsonElement AwaitConcluded(string job)
    {
        Eventually.Equal("concluded", () => Status(job), $"job {job}");
        return Job(job)!.Value;
    }

    /// <summary>Starts a filling and stops it midway, for as long as the test needs.</summary>
    public void FillHalfway(string id, string job)
    {
        Fill(id, job);
        Eventually.True(() => Progress(job) > 0, "progress");
        Verb("pause", job);
    }

    /// <summary>The statuses of a job, from JOB_STATUS_CHANGE.</summary>
    public string[] Statuses(string job) =>
    [
        .. Events.Where(e => e.GetProperty("event").GetString() == "JOB_STATUS_CHANGE")
            .Select(e => e.GetProperty("data")).Where(d => d.GetProperty("id").GetString() == job)
            .Select(d => d.GetProperty("status").GetString()!),
    ];

    /// <summary>Reads events until the time is over.</summary>
    public void Listen(TimeSpan time)
    {
        var start = Stopwatch.StartNew();
        while (start.Elapsed < time && _client.TryLine(time - start.Elapsed) is { } line)
            Events.Add(QmpClient.Parse(System.Text.Encoding.UTF8.GetString(line)));
    }

    public void Dispose() => _client.Dispose();
}
