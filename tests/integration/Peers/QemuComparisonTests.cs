using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Peers;

/// <summary>
/// The same commands to a running QEMU and to the daemon: the replies are the same to the byte, except for arbitrary numbers.
/// </summary>
public sealed partial class QemuComparisonTests(ITestOutputHelper output) : DaemonTest(output)
{
    [GeneratedRegex("\"fd\": \\d+")]
    private static partial Regex Descriptor();

    RunningQemu Distribution()
    {
        var socket = InFolder("qemu.sock");
        return Keep(new RunningQemu(Qemu.Start(socket), socket));
    }

    RunningQemu Followed()
    {
        // The chroot sees the socket's folder as /sock.
        var socket = Path.Combine(Directory.CreateDirectory(InFolder("reference")).FullName, "qemu.sock");
        return Keep(new RunningQemu(FollowedQemu.Start(socket), socket));
    }

    static JsonObject Json(string text) => JsonNode.Parse(text)!.AsObject();

    // What QEMU 7.2 and 11.1 answer alike (qmp.md § 11 has what they do not).
    static readonly string[] s_alike =
    [
        "{\"execute\":\"query-memdev\"}",
        "{\"execute\":\"query-jobs\"}",
        "{\"execute\":\"query-fdsets\"}",
        "{\"execute\":\"query-uuid\"}",
        "{\"execute\":\"nope\",\"id\":1}",
        "{\"execute\":\"query-memdev\",\"arguments\":{\"x\":1}}",
        "{\"execute\":\"qmp_capabilities\"}",
        "{\"execute\":\"query-memdev\",\"id\":[1 ,2.5,{\"b\":1,\"a\":null}]}",
        "{\"execute\":\"query-memdev\",\"foo\":1,\"bar\":2}",
        "{\"execute\":\"query-memdev\",\"exec-oob\":\"x\"}",
        "{\"execute\":5,\"id\":\"\\u20ac\"}",
        "{}",
        "[]",
        "\"x\"",
        "{\"execute\":\"object-add\",\"arguments\":{}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend\",\"id\":\"a\",\"size\":1}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\"}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"1a\",\"size\":4096}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":\"1M\"}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":0}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":4096,\"policy\":\"bind\"}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":4096,\"host-nodes\":[128]}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":4096,\"host-nodes\":[-1]}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":4096,\"reserve\":false,\"prealloc\":true}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-memfd\",\"id\":\"a\",\"size\":4096,\"hugetlbsize\":3}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-file\",\"id\":\"a\",\"size\":4096,\"mem-path\":\"/dev/null\"}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":1048576,\"merge\":false}}",
        "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"memory-backend-ram\",\"id\":\"a\",\"size\":4096}}",
        "{\"execute\":\"query-memdev\"}",
        "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"a\",\"property\":\"merge\"}}",
        "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/objects/a\",\"property\":\"nope\"}}",
        "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/objects/nope\",\"property\":\"size\"}}",
        "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/objects\",\"property\":\"a\"}}",
        "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"a\",\"property\":\"size\",\"value\":1}}",
        "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"a\",\"property\":\"share\",\"value\":true}}",
        "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"a\",\"property\":\"type\",\"value\":\"x\"}}",
        "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"a\",\"property\":\"merge\",\"value\":\"on\"}}",
        "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"a\",\"property\":\"prealloc-threads\",\"value\":0}}",
        "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"a\",\"property\":\"prealloc-context\",\"value\":\"nope\"}}",
        "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"a\",\"property\":\"dump\",\"value\":false}}",
        "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"a\",\"property\":\"dump\"}}",
        "{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"/objects/a\"}}",
        "{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"\"}}",
        "{\"execute\":\"qom-list-properties\",\"arguments\":{\"typename\":\"memory-backend-ram\"}}",
        "{\"execute\":\"qom-list-properties\",\"arguments\":{\"typename\":\"nope\"}}",
        "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"info memdev\"}}",
        "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"qom-get /objects/a size\"}}",
        "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"object_del nope\"}}",
        "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"foo\"}}",
        "{\"execute\":\"object-del\",\"arguments\":{\"id\":\"a\"}}",
        "{\"execute\":\"object-del\",\"arguments\":{\"id\":\"a\"}}",
        "{\"execute\":\"yank\",\"arguments\":{\"instances\":[]}}",
        "{\"execute\":\"job-cancel\",\"arguments\":{\"id\":\"x\"}}",
        "{\"execute\":\"closefd\",\"arguments\":{\"fdname\":\"x\"}}",
        "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"x\"}}",
        "{\"execute\":\"add-fd\",\"arguments\":{\"fdset-id\":-1}}",
        "{\"execute\":\"remove-fd\",\"arguments\":{\"fdset-id\":5,\"fd\":99}}",
    ];

    [FactIf(Need.QemuSystemX86_64)]
    public void Commands_AreAnsweredAsByTheDistributionsQemu() => CompareAll(Distribution());

    [FactIf(Need.QemuReference)]
    public void Commands_AreAnsweredAsByTheQemuThatIsFollowed() => CompareAll(Followed());

    void CompareAll(RunningQemu qemu)
    {
        using var theirs = qemu.Connect();
        using var ours = Daemon.Connect();
        foreach (var command in s_alike)
        {
            theirs.Send(command);
            ours.Send(command);
            Assert.Equal((command, theirs.Line()), (command, ours.Line()));
        }
    }

    [TheoryIf(Need.QemuSystemX86_64)]
    [InlineData("{\"a\":1,\"a\":2}")]
    [InlineData("@")]
    [InlineData("{\"execute\":\"query-ver\n")]
    [InlineData("\u00FF")]
    [InlineData("{\"execute\":\"\\q\"}")]
    [InlineData("{\"execute\":foo}")]
    [InlineData("{\"execute\":\"query-memdev\" \"id\":1}")]
    public void GoodCommand_AfterGarbage_IsAnsweredByBoth(string garbage)
    {
        using var theirs = Distribution().Connect();
        using var ours = Daemon.Connect();
        foreach (var client in (QmpClient[])[theirs, ours])
        {
            client.Send(System.Text.Encoding.Latin1.GetBytes(garbage + "\u0001\n{\"execute\":\"query-memdev\",\"id\":\"good\"}"));
            string line;
            do
                line = client.Line();
            while (!line.Contains("good", StringComparison.Ordinal));
            Assert.Equal("{\"return\": [], \"id\": \"good\"}", line);
        }
    }

    // "+": a descriptor goes with it, "++": two.
    static readonly string[] s_descriptors =
    [
        "getfd {\"fdname\":\"a\"}",
        "+getfd {\"fdname\":\"a\"}",
        "+getfd {\"fdname\":\"a\"}",
        "+getfd {\"fdname\":\"1a\"}",
        "getfd {\"fdname\":\"b\"}",
        "+getfd {}",
        "closefd {\"fdname\":\"a\"}",
        "closefd {\"fdname\":\"a\"}",
        "+query-version {}",
        "getfd {\"fdname\":\"c\"}",
        "closefd {\"fdname\":\"c\"}",
        "++getfd {\"fdname\":\"d\"}",
        "getfd {\"fdname\":\"e\"}",
        "closefd {\"fdname\":\"d\"}",
        "closefd {\"fdname\":\"e\"}",
        "add-fd {}",
        "+add-fd {}",
        "+add-fd {\"fdset-id\":5,\"opaque\":\"five\"}",
        "+add-fd {\"fdset-id\":5}",
        "+add-fd {\"fdset-id\":3}",
        "+add-fd {\"fdset-id\":-1}",
        "+add-fd {}",
        "query-fdsets {}",
        "remove-fd {\"fdset-id\":5}",
        "remove-fd {\"fdset-id\":5}",
        "remove-fd {\"fdset-id\":3,\"fd\":99999}",
        "query-fdsets {}",
        "remove-fd {\"fdset-id\":0}",
        "+add-fd {}",
        "query-fdsets {}",
    ];

    [FactIf(Need.QemuSystemX86_64)]
    public void Descriptors_AreKeptAsByTheDistributionsQemu() => CompareDescriptors(Distribution());

    [FactIf(Need.QemuReference)]
    public void Descriptors_AreKeptAsByTheQemuThatIsFollowed() => CompareDescriptors(Followed());

    void CompareDescriptors(RunningQemu qemu)
    {
        using var theirs = qemu.Connect();
        using var ours = Daemon.Connect();
        using var file = File.OpenHandle("/dev/null");
        foreach (var line in s_descriptors)
        {
            var count = line.Length - line.TrimStart('+').Length;
            var words = line[count..].Split(' ', 2);
            var answers = new List<string>();
            foreach (var client in (QmpClient[])[theirs, ours])
            {
                client.Send(QmpClient.Text(words[0], Json(words[1])), [.. Enumerable.Repeat(file, count)]);
                answers.Add(words[0] == "query-version" ? client.Line()[..10] : Descriptor().Replace(client.Line(), "\"fd\": N"));
            }
            Assert.Equal((line, answers[0]), (line, answers[1]));
        }
    }

    // QEMU's schema describes every common type and command as the daemon's does, except for the names of types.
    [FactIf(Need.QemuReference)]
    public void Schema_OfACommandThatQemuHas_TakesTheSameArguments()
    {
        using var theirs = Followed().Connect();
        using var ours = Daemon.Connect();
        var known = Commands(theirs);
        foreach (var (name, arguments) in Commands(ours))
        {
            if (known.TryGetValue(name, out var expected) && name != "object-add")
                Assert.Equal((name, expected), (name, arguments));
        }
    }

    static Dictionary<string, string> Commands(QmpClient client)
    {
        var entries = client.Ok("query-qmp-schema").EnumerateArray().ToDictionary(e => e.GetProperty("name").GetString()!);
        return entries.Values.Where(e => e.GetProperty("meta-type").GetString() == "command").ToDictionary(
            e => e.GetProperty("name").GetString()!, e => Members(entries[e.GetProperty("arg-type").GetString()!]));
    }

    static string Members(JsonElement type) => string.Join(", ", type.GetProperty("members").EnumerateArray()
        .Select(m => m.GetProperty("name").GetString() + (m.TryGetProperty("default", out _) ? "?" : "")).Order());
}
