using System.Text.Json;
using HostMemd.Backend.Objects;
using HostMemd.Config;
using HostMemd.Events;
using HostMemd.Qapi.Json;
using HostMemd.Rpc.Discovery;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.Rpc;

/// <summary>What <c>rpc.discover</c> returns. That it is OpenRPC is for the integration tests, which have the meta schema.</summary>
public sealed class OpenRpcDocumentTests
{
    static readonly Daemon s_daemon = new(new HostMemdOptions(), NullLoggerFactory.Instance);

    static readonly JsonElement s_document = Parse();

    static JsonElement Parse()
    {
        using var document = JsonDocument.Parse(JsonWriter.ToText(OpenRpcDocument.Of(s_daemon.Commands, DaemonEvents.All, "1.2.3")));
        return document.RootElement.Clone();
    }

    static JsonElement Method(string name) =>
        s_document.GetProperty("methods").EnumerateArray().Single(m => m.GetProperty("name").GetString() == name);

    static string[] Names(JsonElement list) => [.. list.EnumerateArray().Select(m => m.GetProperty("name").GetString()!)];

    [Fact]
    public void Methods_AreTheCommands_AndTheDocumentItself() =>
        Assert.Equal([.. s_daemon.Commands.All.Select(c => c.Name), "rpc.discover"], Names(s_document.GetProperty("methods")));

    [Fact]
    public void Notifications_AreTheEvents_AndProgress() =>
        Assert.Equal([.. DaemonEvents.All.Select(e => e.Name), "$/progress"], Names(s_document.GetProperty("x-notifications")));

    [Fact]
    public void Params_AreTheArguments()
    {
        var method = Method("qom-get");

        Assert.Equal(["path", "property"], Names(method.GetProperty("params")));
        Assert.All(method.GetProperty("params").EnumerateArray(), p => Assert.True(p.GetProperty("required").GetBoolean()));
        Assert.Equal("either", method.GetProperty("paramStructure").GetString());
        Assert.Equal("observer", method.GetProperty("x-role").GetString());
    }

    [Fact]
    public void ObjectAdd_HasThePropertiesOfAllTypes_ByName()
    {
        var method = Method("object-add");
        var properties = BackendTypes.All.Creatable.SelectMany(c => c.All).Where(p => p.InSchema).Select(p => p.Name).Distinct();

        Assert.Equal("by-name", method.GetProperty("paramStructure").GetString());
        Assert.Empty(properties.Except(Names(method.GetProperty("params"))));
        Assert.Equal(["qom-type", "id"], method.GetProperty("params").EnumerateArray().Where(p => p.GetProperty("required").GetBoolean())
            .Select(p => p.GetProperty("name").GetString()));
    }

    [Fact]
    public void EveryReference_Resolves()
    {
        var references = References(s_document).Distinct().ToArray();

        Assert.NotEmpty(references);
        Assert.All(references, reference => reference.Split('/')[1..].Aggregate(s_document, (at, name) => at.GetProperty(name)));
    }

    static IEnumerable<string> References(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(m => m.Name == "$ref" ? [m.Value.GetString()!] : References(m.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(References),
        _ => [],
    };

    [Fact]
    public void Errors_HaveTheCodesThatClientsGet()
    {
        var errors = Method("object-del").GetProperty("errors").EnumerateArray().Where(e => e.TryGetProperty("code", out _)).ToArray();

        Assert.NotEmpty(errors);
        Assert.All(errors, e => Assert.True(e.GetProperty("code").GetInt32() is -32000 or -32602));
    }
}
