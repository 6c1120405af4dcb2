using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;

namespace HostMemd.Integration.Recordings;

/// <summary>Plays one recorded session to a server and compares, as shared/tools/qmp-replay does.</summary>
sealed class Replay : IDisposable
{
    // What must not come would come at once: the server's replies to one client are in order.
    static readonly TimeSpan s_grace = TimeSpan.FromMilliseconds(10);
    static readonly JsonElement s_stamp = QmpClient.Parse("""{"seconds": "@INT@", "microseconds": "@INT@"}""");

    readonly string _socket;
    readonly string _folder = DaemonProcess.NewFolder();
    readonly JsonElement _case;
    readonly bool _strict;
    readonly IReadOnlyDictionary<int, string[]> _differences;
    QmpClient _client;
    int _step;

    Replay(string socket, RecordedSession recorded, bool strict, IReadOnlyDictionary<int, string[]> differences)
    {
        _socket = socket;
        _strict = strict;
        _differences = differences;
        _case = recorded.In(_folder);
        _client = new QmpClient(socket);
    }

    /// <param name="socket">The server.</param>
    /// <param name="recorded">The session.</param>
    /// <param name="strict">Bytes are compared, not JSON values.</param>
    /// <param name="differences">The daemon's replies that differ on purpose, by step from 1.</param>
    public static void Run(string socket, RecordedSession recorded, bool strict, IReadOnlyDictionary<int, string[]> differences)
    {
        using var replay = new Replay(socket, recorded, strict, differences);
        replay.Run();
    }

    void Run()
    {
        Prepare();
        var negotiate = _case.TryGetProperty("negotiate", out var n) ? n : QmpClient.Parse("true");
        Greet(negotiate);
        var steps = _case.GetProperty("steps").EnumerateArray().ToArray();
        foreach (var step in steps)
        {
            _step++;
            Play(step, isLast: _step == steps.Length);
        }
        if (_case.TryGetProperty("check", out var checks))
        {
            foreach (var check in checks.EnumerateArray())
                Check(check);
        }
    }

    void Prepare()
    {
        if (!_case.TryGetProperty("setup", out var setup))
            return;
        foreach (var thing in setup.EnumerateArray())
        {
            string path;
            if (thing.TryGetProperty("dir", out var folder))
                Directory.CreateDirectory(path = folder.GetString()!);
            else
            {
                using var file = File.Create(path = thing.GetProperty("file").GetString()!);
                file.Write(Encoding.UTF8.GetBytes(Text(thing, "text") ?? ""));
                if (thing.TryGetProperty("size", out var size))
                    file.SetLength(size.GetInt64());
            }
            if (Text(thing, "mode") is { } mode)
                File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32(mode, 8));
        }
    }

    static string? Text(JsonElement of, string member) => of.TryGetProperty(member, out var text) ? text.GetString() : null;

    static bool Flag(JsonElement of, string member) => of.TryGetProperty(member, out var flag) && flag.GetBoolean();

    void Greet(JsonElement negotiate)
    {
        if (!Flag(_case, "greeting"))
            Assert.Contains("QMP", _client.Line(), StringComparison.Ordinal);
        if (negotiate.ValueKind == JsonValueKind.False)
            return;
        _client.Send(negotiate.ValueKind == JsonValueKind.String ? negotiate.GetString()! : "{\"execute\":\"qmp_capabilities\"}\n");
        Assert.True(_client.Reply().TryGetProperty("return", out _), "negotiation failed");
    }

    void Play(JsonElement step, bool isLast)
    {
        // For how long does not matter: what came before is to be read before this is sent.
        if (step.TryGetProperty("delay", out _))
            _client.AwaitTaken();
        if (Flag(step, "close"))
        {
            _client.Dispose();
            _client = new QmpClient(_socket);
            Greet(QmpClient.Parse("false"));
        }
        Send(step);
        if (Flag(step, "shutdown"))
            _client.Shutdown();
        var expected = _differences.TryGetValue(_step, out var ours) ? ours
            : step.TryGetProperty("expect", out var lines) ? [.. lines.EnumerateArray().Select(l => l.GetString()!)] : [];
        foreach (var line in expected)
            Expect(line, Flag(step, "unordered"));
        JsonElement[] patterns = step.TryGetProperty("expect_contains", out var some) ? [.. some.EnumerateArray()] : [];
        foreach (var pattern in patterns)
        {
            var reply = _client.Line();
            Assert.True(JsonMatch.Contains(pattern, QmpClient.Parse(reply)), $"step {_step}: {reply}\nlacks {pattern}");
        }
        if (Flag(step, "expect_eof"))
            Assert.True(_client.Ends(), $"step {_step}: the connection is still open");
        else if (expected.Length + patterns.Length == 0 || isLast)
        {
            var more = _client.TryLine(s_grace);
            Assert.True(more is null, $"step {_step}: unexpected reply {(more is null ? "" : Encoding.UTF8.GetString(more))}");
            Assert.False(_client.AtEnd, $"step {_step}: the connection was closed");
        }
        if (isLast || Flag(step, "expect_eof"))
            Assert.Equal("", _client.Rest);
    }

    void Send(JsonElement step)
    {
        if (Text(step, "send") is { } text)
            _client.Send(text);
        else if (Text(step, "send_b64") is { } bytes)
            _client.Send(Convert.FromBase64String(bytes));
        else if (step.TryGetProperty("send_repeat", out var repeated))
            _client.Send(string.Concat(repeated.EnumerateArray().SelectMany(r => Enumerable.Repeat(r[0].GetString()!, r[1].GetInt32()))));
        else if (step.TryGetProperty("send_parts", out var parts))
        {
            foreach (var part in parts.EnumerateArray())
            {
                _client.Send(part.GetString()!);
                // Part of the recording: the pieces are to arrive one by one.
                _client.AwaitTaken();
            }
        }
    }

    void Expect(string expected, bool unordered)
    {
        var line = _client.Line();
        if (_strict && !unordered)
        {
            Assert.True(JsonMatch.Bytes(expected).IsMatch(line + "\r\n"), $"step {_step}: bytes differ\nexpected {expected}\ngot      {line}");
            return;
        }
        JsonElement reply, wanted;
        try
        {
            (reply, wanted) = (Normal(line), Normal(expected));
        }
        catch (JsonException)
        {
            // Some replies of QEMU are no JSON: it prints inf.
            Assert.Equal(expected, line);
            return;
        }
        Assert.True(JsonMatch.Same(wanted, reply, unordered), $"step {_step}: reply differs\nexpected {expected}\ngot      {line}");
    }

    // The clock is no part of the comparison.
    static JsonElement Normal(string line)
    {
        var parsed = QmpClient.Parse(line);
        if (parsed.ValueKind != JsonValueKind.Object || !parsed.TryGetProperty("event", out _) || !parsed.TryGetProperty("timestamp", out _))
            return parsed;
        var changed = JsonNode.Parse(line)!.AsObject();
        changed["timestamp"] = JsonNode.Parse(s_stamp.GetRawText());
        return QmpClient.Parse(changed.ToJsonString());
    }

    void Check(JsonElement check)
    {
        var path = check.GetProperty("path").GetString()!;
        var wanted = !check.TryGetProperty("exists", out var exists) || exists.GetBoolean();
        if (_differences.ContainsKey(RecordedDifferences.Files))
            wanted = !wanted;
        Assert.True(wanted == (File.Exists(path) || Directory.Exists(path)), $"{path}: exists should be {wanted}");
        if (!wanted || _differences.ContainsKey(RecordedDifferences.Files))
            return;
        var (length, _, mode) = ProcMemory.Stat(path);
        if (check.TryGetProperty("size", out var size))
            Assert.Equal(size.GetInt64(), length);
        if (Text(check, "mode") is { } bits)
            Assert.Equal(bits, mode.PadLeft(4, '0'));
        if (Text(check, "text") is { } begin)
            Assert.StartsWith(begin, File.ReadAllText(path), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _client.Dispose();
        if (_case.TryGetProperty("cleanup", out var commands))
        {
            using var cleaner = QmpClient.Negotiated(_socket);
            foreach (var command in commands.EnumerateArray())
                cleaner.Send(command.GetString()! + "\n");
            cleaner.Send("{\"execute\":\"query-version\",\"id\":\"cleanup done\"}\n");
            while (!cleaner.Line().Contains("cleanup done", StringComparison.Ordinal))
            {
            }
        }
        foreach (var folder in Directory.GetDirectories(_folder))
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.Delete(_folder, recursive: true);
    }
}
