using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Manual;

/// <summary>Runs README's first session as a reader would paste it, and compares the output with README's.</summary>
public sealed partial class ReadmeTests(ITestOutputHelper output) : DaemonTest(output)
{
    [FactIf(Need.Socat, Need.Jq, Need.QemuSystemX86_64)]
    public void FirstSession_PrintsWhatItShows()
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        var session = text[text.IndexOf("## A first session", StringComparison.Ordinal)..text.IndexOf(
            "## The same", StringComparison.Ordinal)];
        var blocks = Block().Matches(session);
        Assert.Equal(4, blocks.Count);

        var script = string.Concat(blocks.Select(b => b.Groups[1].Value + "echo ----\n"));
        var (_, all, errors) = Program.Run("", "bash", "-u", "-c", script.Replace("/tmp/hostmemd.sock", Daemon.SocketPath,
            StringComparison.Ordinal));
        Output.WriteLine($"{all}\n{errors}");
        var printed = all.Split("----\n");

        Assert.Equal(5, printed.Length);
        var answered = printed.Select(Replies).ToArray();
        for (var i = 0; i < blocks.Count; i++)
        {
            var replies = answered[i];
            if (blocks[i].Groups[2].Value is { Length: > 0 } shown)
                Assert.Equal(Replies(shown).Select(Text), replies.Select(Text));
            else
                Assert.All(replies, reply => Assert.Null(reply["error"]));
        }
        Assert.Equal(268435456, answered[1][2]["return"]![0]!["resident"]!.GetValue<long>());
        Assert.Equal(0, Daemon.AwaitExit());
    }

    [FactIf(Need.QemuSystemX86_64)]
    public void SessionOfHostmemctl_PrintsWhatItShows()
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        var session = text[text.IndexOf("## The same with hostmemctl", StringComparison.Ordinal)..text.IndexOf(
            "## Commands", StringComparison.Ordinal)];
        var blocks = Block().Matches(session);
        Assert.Equal(2, blocks.Count);

        var script = string.Concat(blocks.Select(b => b.Groups[1].Value + "echo ----\n"))
            .Replace("/tmp/hostmemd.sock", Daemon.SocketPath, StringComparison.Ordinal);
        var path = $"PATH={Path.GetDirectoryName(Repository.Ctl)}:$PATH\n";
        var (_, all, errors) = Program.Run("", "bash", "-u", "-c", path + "exec 2>&1\n" + script);
        Output.WriteLine($"{all}\n{errors}");
        var printed = all.Split("----\n");

        var shown = string.Concat(blocks[0].Groups[2].Value.Split('\n').Select(l => l.Length > 4 ? l[4..] + "\n" : ""));
        Assert.Equal(Varying().Replace(shown, "N"), Varying().Replace(printed[0], "N"));
        Assert.EndsWith("vm1 deleted\n", printed[1], StringComparison.Ordinal);
        Assert.Equal(0, Daemon.AwaitExit());
    }

    // Process ids and times.
    [GeneratedRegex(@"(?<=\[)\d+(?=\])|\d+\.\d(?= s\n)")]
    private static partial Regex Varying();

    // Without the events, which may come between them.
    static JsonObject[] Replies(string text) =>
    [
        .. text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonNode.Parse(line)!.AsObject()).Where(message => message["event"] is null),
    ];

    // Of a list of users the process id varies.
    static string Text(JsonObject reply)
    {
        if (reply["return"] is JsonArray { Count: > 0 } list && list[0] is JsonObject first)
            first.Remove("pid");
        return reply.ToJsonString();
    }

    // A block of commands, and the indented one behind it if it has one.
    [GeneratedRegex("```sh\n(.*?)```\n\n((?:    [^\n]*\n)*)", RegexOptions.Singleline)]
    private static partial Regex Block();
}
