using System.Text.Json;
using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Microsoft.Win32.SafeHandles;
using Xunit.Abstractions;

namespace HostMemd.Integration.Persistence;

/// <summary>A test with a manager of its own, and daemons under it.</summary>
public abstract class PersistenceTest(ITestOutputHelper output) : IDisposable
{
    protected const long MiB = 1 << 20;

    readonly List<IDisposable> _things = [];
    ServiceManager? _manager;

    private protected ServiceManager Manager => _manager ??= new();

    private protected QmpClient Connect() => Keep(Manager.Connect());

    private protected T Keep<T>(T thing) where T : IDisposable
    {
        _things.Add(thing);
        return thing;
    }

    private protected static JsonObject SizeOf(long size, params ReadOnlySpan<(string, JsonNode)> more)
    {
        var result = new JsonObject { ["size"] = size };
        foreach (var (name, value) in more)
            result[name] = value;
        return result;
    }

    /// <summary>The descriptor of a backend, by a lease that ends at once.</summary>
    private protected static SafeFileHandle Borrow(QmpClient client, string id)
    {
        var mapping = client.Ok("memdev-map", new() { ["id"] = id }).GetProperty("mapping").GetString();
        var handle = client.Received[^1];
        client.Received.RemoveAt(client.Received.Count - 1);
        client.Ok("memdev-unmap", new() { ["mapping"] = mapping });
        return handle;
    }

    private protected static void Write(QmpClient client, string id, byte[] content)
    {
        using var handle = Borrow(client, id);
        RandomAccess.Write(handle, content, 0);
    }

    private protected static byte[] Read(QmpClient client, string id)
    {
        using var handle = Borrow(client, id);
        var content = new byte[RandomAccess.GetLength(handle)];
        var done = 0;
        while (done < content.Length && RandomAccess.Read(handle, content.AsSpan(done), done) is > 0 and var read)
            done += read;
        return content;
    }

    private protected static byte[] Random(long size, int seed)
    {
        var content = new byte[size];
        new Random(seed).NextBytes(content);
        return content;
    }

    /// <summary>The ids below /objects, in their order.</summary>
    private protected static string[] Ids(QmpClient client) =>
        [.. client.Ok("qom-list", new() { ["path"] = "/objects" }).EnumerateArray().Select(o => o.GetProperty("name").GetString()!).Where(n => n != "type")];

    /// <summary>Everything that can be read of an object.</summary>
    private protected static Dictionary<string, string> Properties(QmpClient client, string id) =>
        client.Ok("qom-list", new() { ["path"] = "/objects/" + id }).EnumerateArray().Select(p => p.GetProperty("name").GetString()!)
            .Where(n => !n.Contains('[', StringComparison.Ordinal) && n != "thread-id")
            // Some cannot be read, before as after.
            .ToDictionary(n => n, n => client.Execute("qom-get", new() { ["path"] = "/objects/" + id, ["property"] = n }).ToString());

    private protected static JsonElement[] Leases(QmpClient client) => [.. client.Ok("query-memdev-mappings").EnumerateArray()
        .Where(m => m.GetProperty("kind").GetString() == "lease")];

    private protected void AwaitLog(string text) =>
        Eventually.True(() => Manager.Log.Contains(text, StringComparison.Ordinal), $"'{text}' in {Manager.Log}");

    public void Dispose()
    {
        for (var i = _things.Count - 1; i >= 0; i--)
            _things[i].Dispose();
        if (_manager is not null)
        {
            output.WriteLine(_manager.Log);
            _manager.Dispose();
        }
        GC.SuppressFinalize(this);
    }
}
