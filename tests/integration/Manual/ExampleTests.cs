using System.Text.Json;
using HostMemd.Config;
using HostMemd.Integration.Harness;
using HostMemd.Protocol.Contract;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;
using Xunit.Abstractions;

namespace HostMemd.Integration.Manual;

/// <summary>Sends every request of the manual to a real daemon and compares the answer with the manual's.</summary>
public sealed class ExampleTests(ITestOutputHelper output) : DaemonTest(output)
{
    static readonly CommandTable s_commands = new Daemon(new HostMemdOptions(), NullLoggerFactory.Instance).Commands;

    public static TheoryData<string> Names => [.. s_commands.All.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Command_AnswersAsTheManualSays(string name)
    {
        var command = s_commands.Find(name);
        var client = Ready(negotiates: name != "qmp_capabilities");
        foreach (var example in command.Examples)
            Check(client, example);
        foreach (var refusal in command.Refusals)
            Check(client, refusal);
    }

    [Fact]
    public void Errors_OfEveryCommand_AreThoseOfTheManual()
    {
        var client = Ready(negotiates: true);
        foreach (var refusal in Refusal.OfEveryCommand)
            Check(client, refusal);
    }

    // A daemon with the object that the examples start from.
    QmpClient Ready(bool negotiates)
    {
        using (var first = Daemon.Connect())
        {
            first.Send(Example.Before);
            Assert.Equal("""{"return": {}}""", first.Line());
        }
        // The first client must be gone: the limits count the clients.
        using (var second = Daemon.Connect())
            Eventually.True(() => second.Ok("query-memdev-limits")[0].GetProperty("used").GetInt32() == 1, "only one client");
        if (negotiates)
        {
            var client = Connect();
            Eventually.True(() => client.Ok("query-memdev-limits")[0].GetProperty("used").GetInt32() == 1, "only one client");
            return client;
        }
        var silent = Keep(Daemon.ConnectSilently());
        silent.Line();
        return silent;
    }

    static void Check(QmpClient client, Example example)
    {
        Send(client, example.Request, example.WithDescriptor);
        var events = new List<JsonElement>();
        var reply = NextReply(client, events);
        Assert.True(ExampleMatch.Fits(QmpClient.Parse(example.Reply), reply), $"{example.Request} was answered {reply}, not {example.Reply}");
        if (example.Event is null)
            return;
        var wanted = QmpClient.Parse(example.Event);
        // The event may have come before the reply; otherwise each further line is an event.
        while (!events.Exists(e => IsThat(wanted, e)))
            events.Add(client.Reply());
    }

    static bool IsThat(JsonElement wanted, JsonElement message) => message.TryGetProperty("event", out var name)
        && ExampleMatch.Fits(wanted.GetProperty("event"), name) && ExampleMatch.Fits(wanted.GetProperty("data"), message.GetProperty("data"));

    static void Check(QmpClient client, Refusal refusal)
    {
        if (refusal.Request is not { } request)
            return;
        Send(client, request, refusal.WithDescriptor);
        var reply = NextReply(client, []);
        Assert.True(reply.TryGetProperty("error", out var error), $"{request} was answered {reply}");
        Assert.Equal((refusal.Error.Class.ToString(), refusal.Error.Message),
            (error.GetProperty("class").GetString(), error.GetProperty("desc").GetString()));
    }

    static void Send(QmpClient client, string request, bool withDescriptor)
    {
        if (!withDescriptor)
        {
            client.Send(request);
            return;
        }
        using var descriptor = File.OpenHandle("/dev/null");
        client.Send(request, descriptor);
    }

    static JsonElement NextReply(QmpClient client, List<JsonElement> events)
    {
        while (true)
        {
            var message = client.Reply();
            if (!message.TryGetProperty("event", out _))
                return message;
            events.Add(message);
        }
    }
}
