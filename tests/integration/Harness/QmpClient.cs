using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Integration.Harness;

/// <summary>A client as simple as can be: bytes out, lines in, nothing hidden. Every wait has an end.</summary>
sealed class QmpClient : IDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    static readonly JsonDocumentOptions s_deep = new() { MaxDepth = 4096 };

    readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    readonly byte[] _piece = new byte[1 << 16];
    byte[] _buffer = [];

    /// <summary>Connects and reads nothing.</summary>
    public QmpClient(string path)
    {
        try
        {
            _socket.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>Connects, reads the greeting, negotiates.</summary>
    public static QmpClient Negotiated(string path, bool outOfBand = false)
    {
        var client = new QmpClient(path);
        client.Greeting = client.Line();
        client.Ok("qmp_capabilities", outOfBand ? new JsonObject { ["enable"] = new JsonArray("oob") } : null);
        return client;
    }

    public string Greeting { get; private set; } = "";

    /// <summary>Descriptors that came with replies, in order.</summary>
    public List<SafeFileHandle> Received { get; } = [];

    public bool AtEnd { get; private set; }

    /// <summary>What came and was not asked for yet.</summary>
    public string Rest => Encoding.UTF8.GetString(_buffer);

    public void Send(string text, params ReadOnlySpan<SafeFileHandle> descriptors) => Send(Encoding.UTF8.GetBytes(text), descriptors);

    /// <summary>Sends all of it; replies are taken in meanwhile, so that neither side can block.</summary>
    public void Send(ReadOnlySpan<byte> bytes, params ReadOnlySpan<SafeFileHandle> descriptors)
    {
        Span<int> numbers = stackalloc int[descriptors.Length];
        for (var i = 0; i < descriptors.Length; i++)
            numbers[i] = (int)descriptors[i].DangerousGetHandle();
        var limit = Stopwatch.StartNew();
        while (bytes.Length > 0)
        {
            var left = s_patience - limit.Elapsed;
            Assert.True(left > TimeSpan.Zero, "the server stopped reading");
            var ready = Wire.Poll(_socket.SafeHandle, Wire.POLLIN | Wire.POLLOUT, left);
            if ((ready & Wire.POLLIN) != 0)
                Assert.True(Fill(TimeSpan.Zero) || !AtEnd, "the server closed the connection");
            var sent = Wire.Send(_socket.SafeHandle, bytes, numbers);
            Assert.True(sent >= -1, "the server closed the connection");
            if (sent <= 0)
                continue;
            bytes = bytes[sent..];
            numbers = [];
        }
    }

    /// <summary>Sends one byte, a blank, as urgent data (unix(7), MSG_OOB) with a descriptor.</summary>
    public void SendUrgent(SafeFileHandle descriptor) =>
        Assert.Equal(1, Wire.Send(_socket.SafeHandle, " "u8, [(int)descriptor.DangerousGetHandle()], Wire.MSG_OOB));

    /// <summary>Waits until the server has read all that was sent.</summary>
    public void AwaitTaken() => Eventually.Equal(0, () => Wire.Untaken(_socket.SafeHandle), "bytes that the server has not read");

    /// <summary>As <see cref="Send(ReadOnlySpan{byte}, ReadOnlySpan{SafeFileHandle})"/>, but for as long as the server reads.</summary>
    /// <returns>Bytes the server's side took before nothing moved for that time.</returns>
    public long SendWhileRead(ReadOnlySpan<byte> bytes, TimeSpan quiet)
    {
        var total = bytes.Length;
        while (bytes.Length > 0 && Wire.Poll(_socket.SafeHandle, Wire.POLLOUT, quiet) != 0)
        {
            var sent = Wire.Send(_socket.SafeHandle, bytes, []);
            if (sent < -1)
                break;
            bytes = bytes[Math.Max(0, sent)..];
        }
        return total - bytes.Length;
    }

    public void Shutdown() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>One line with its end, or null when none came in time.</summary>
    public byte[]? TryLine(TimeSpan wait)
    {
        var limit = Stopwatch.StartNew();
        int end;
        while ((end = Array.IndexOf(_buffer, (byte)'\n')) < 0)
        {
            if (!Fill(wait - limit.Elapsed))
                return null;
        }
        var line = _buffer[..(end + 1)];
        _buffer = _buffer[(end + 1)..];
        return line;
    }

    /// <summary>One line without its end, which must be CR LF.</summary>
    public string Line(TimeSpan? wait = null)
    {
        var line = TryLine(wait ?? s_patience);
        Assert.True(line is not null, AtEnd ? "the server closed the connection" : $"no reply in time; there is '{Rest}'");
        var text = Encoding.UTF8.GetString(line);
        Assert.EndsWith("\r\n", text, StringComparison.Ordinal);
        return text[..^2];
    }

    public JsonElement Reply(TimeSpan? wait = null) => Parse(Line(wait));

    public static JsonElement Parse(string line)
    {
        using var document = JsonDocument.Parse(line, s_deep);
        return document.RootElement.Clone();
    }

    /// <summary>Sends one command.</summary>
    public void Command(string name, JsonObject? arguments = null, JsonNode? id = null, bool outOfBand = false,
        params ReadOnlySpan<SafeFileHandle> descriptors) =>
        Send(Text(name, arguments, id, outOfBand) + "\n", descriptors);

    public static string Text(string name, JsonObject? arguments = null, JsonNode? id = null, bool outOfBand = false)
    {
        var request = new JsonObject { [outOfBand ? "exec-oob" : "execute"] = name };
        if (arguments is not null)
            request["arguments"] = arguments.DeepClone();
        if (id is not null)
            request["id"] = id.DeepClone();
        return request.ToJsonString();
    }

    /// <summary>Sends a command and reads its reply, which may be an error. Events in front of it are passed over.</summary>
    public JsonElement Execute(string name, JsonObject? arguments = null, TimeSpan? wait = null)
    {
        Command(name, arguments);
        JsonElement reply;
        do
            reply = Reply(wait);
        while (reply.TryGetProperty("event", out _));
        return reply;
    }

    /// <summary>The same for a command that must succeed.</summary>
    public JsonElement Ok(string name, JsonObject? arguments = null, TimeSpan? wait = null)
    {
        var reply = Execute(name, arguments, wait);
        Assert.True(reply.TryGetProperty("return", out var result), $"{Text(name, arguments)} was answered {reply}");
        return result;
    }

    /// <summary>The same for a command that must be refused: the error's text.</summary>
    public string Refused(string name, JsonObject? arguments = null, TimeSpan? wait = null)
    {
        var reply = Execute(name, arguments, wait);
        Assert.True(reply.TryGetProperty("error", out var error), $"{Text(name, arguments)} was answered {reply}");
        return error.GetProperty("desc").GetString()!;
    }

    static JsonObject WithType(string type, string id, JsonObject? more)
    {
        var arguments = new JsonObject { ["qom-type"] = type, ["id"] = id };
        foreach (var (name, value) in more ?? [])
            arguments[name] = value?.DeepClone();
        return arguments;
    }

    public static string AddText(string type, string id, JsonObject? more, JsonNode? requestId = null) =>
        Text("object-add", WithType(type, id, more), requestId);

    public void Add(string type, string id, JsonObject? more = null, TimeSpan? wait = null) =>
        Ok("object-add", WithType(type, id, more), wait);

    public string AddRefused(string type, string id, JsonObject? more = null, TimeSpan? wait = null) =>
        Refused("object-add", WithType(type, id, more), wait);

    public void Delete(string id) => Ok("object-del", new() { ["id"] = id });

    public JsonElement Get(string path, string property) => Ok("qom-get", new() { ["path"] = path, ["property"] = property });

    public void Set(string path, string property, JsonNode? value, TimeSpan? wait = null) =>
        Ok("qom-set", new() { ["path"] = path, ["property"] = property, ["value"] = value }, wait);

    public string SetRefused(string path, string property, JsonNode? value, TimeSpan? wait = null) =>
        Refused("qom-set", new() { ["path"] = path, ["property"] = property, ["value"] = value }, wait);

    public string Monitor(string line) => Ok("human-monitor-command", new() { ["command-line"] = line }).GetString()!;

    /// <summary>The ids that query-memdev lists.</summary>
    public string[] Memdevs() => [.. Ok("query-memdev").EnumerateArray().Select(m => m.GetProperty("id").GetString()!)];

    /// <summary>Whether the server closes the connection within that time; what it sends meanwhile is kept.</summary>
    public bool Ends(TimeSpan? wait = null)
    {
        var limit = Stopwatch.StartNew();
        while (!AtEnd && Fill((wait ?? s_patience) - limit.Elapsed))
        {
        }
        return AtEnd;
    }

    bool Fill(TimeSpan wait)
    {
        if (AtEnd || Wire.Poll(_socket.SafeHandle, Wire.POLLIN, wait) == 0)
            return false;
        var count = Wire.Receive(_socket.SafeHandle, _piece, Received);
        if (count < 0)
            return true;
        AtEnd = count == 0;
        _buffer = [.. _buffer, .. _piece[..count]];
        return !AtEnd;
    }

    public void Dispose()
    {
        foreach (var handle in Received)
            handle.Dispose();
        _socket.Dispose();
    }
}
