using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Integration.Harness;

/// <summary>A JSON-RPC client as simple as can be, in either framing: bytes out, messages in, nothing hidden. Every wait has an
/// end.</summary>
sealed class RpcClient : IDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    readonly byte[] _piece = new byte[1 << 16];
    readonly bool _headers;
    readonly List<JsonElement> _waiting = [];
    byte[] _buffer = [];
    int _id;

    public RpcClient(string path, bool headers = false)
    {
        _headers = headers;
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

    /// <summary>Descriptors that came with replies, in order.</summary>
    public List<SafeFileHandle> Received { get; } = [];

    public bool AtEnd { get; private set; }

    /// <summary>Sends one message in the client's framing.</summary>
    public void Send(string message, params ReadOnlySpan<SafeFileHandle> descriptors) =>
        SendBytes(_headers ? $"Content-Length: {Encoding.UTF8.GetByteCount(message)}\r\n\r\n{message}" : message + "\n", descriptors);

    /// <summary>Sends a text as it is.</summary>
    public void SendBytes(string text, params ReadOnlySpan<SafeFileHandle> descriptors)
    {
        ReadOnlySpan<byte> bytes = Encoding.UTF8.GetBytes(text);
        Span<int> numbers = stackalloc int[descriptors.Length];
        for (var i = 0; i < descriptors.Length; i++)
            numbers[i] = (int)descriptors[i].DangerousGetHandle();
        var limit = Stopwatch.StartNew();
        while (bytes.Length > 0)
        {
            var left = s_patience - limit.Elapsed;
            Assert.True(left > TimeSpan.Zero, "the server stopped reading");
            if ((Wire.Poll(_socket.SafeHandle, Wire.POLLIN | Wire.POLLOUT, left) & Wire.POLLIN) != 0)
                Assert.True(Fill(TimeSpan.Zero) || !AtEnd, "the server closed the connection");
            var sent = Wire.Send(_socket.SafeHandle, bytes, numbers);
            Assert.True(sent >= -1, "the server closed the connection");
            if (sent <= 0)
                continue;
            bytes = bytes[sent..];
            numbers = [];
        }
    }

    /// <summary>Sends a request; its id.</summary>
    public int Begin(string method, JsonNode? arguments = null, params ReadOnlySpan<SafeFileHandle> descriptors)
    {
        Send(Text(method, arguments, ++_id), descriptors);
        return _id;
    }

    public static string Text(string method, JsonNode? arguments, JsonNode? id)
    {
        var request = new JsonObject { ["jsonrpc"] = "2.0", ["method"] = method };
        if (arguments is not null)
            request["params"] = arguments.DeepClone();
        if (id is not null)
            request["id"] = id.DeepClone();
        return request.ToJsonString();
    }

    public void Cancel(int id) => Send(Text("$/cancelRequest", new JsonObject { ["id"] = id }, null));

    /// <summary>The reply to that request; what comes in front of it waits.</summary>
    public JsonElement Reply(int id, TimeSpan? wait = null) =>
        Await(m => m.TryGetProperty("id", out var its) && its.ValueKind == JsonValueKind.Number && its.GetInt32() == id, wait);

    /// <summary>The next notification of that name.</summary>
    public JsonElement Notification(string method, TimeSpan? wait = null) =>
        Await(m => m.TryGetProperty("method", out var its) && its.GetString() == method, wait).GetProperty("params");

    /// <summary>The notifications of that name that have come so far.</summary>
    public JsonElement[] Notifications(string method)
    {
        while (TryMessage(TimeSpan.Zero) is { } message)
            _waiting.Add(message);
        var found = _waiting.Where(m => m.TryGetProperty("method", out var its) && its.GetString() == method).ToArray();
        _waiting.RemoveAll(m => found.Contains(m));
        return [.. found.Select(m => m.GetProperty("params"))];
    }

    JsonElement Await(Func<JsonElement, bool> isIt, TimeSpan? wait)
    {
        var at = _waiting.FindIndex(m => isIt(m));
        if (at >= 0)
        {
            var found = _waiting[at];
            _waiting.RemoveAt(at);
            return found;
        }
        var limit = Stopwatch.StartNew();
        while (true)
        {
            var message = TryMessage((wait ?? s_patience) - limit.Elapsed);
            Assert.True(message is not null, (AtEnd ? "the server closed the connection" : "no such message in time")
                + $"; there is {string.Join('\n', _waiting)} and '{Encoding.UTF8.GetString(_buffer)}'");
            if (isIt(message.Value))
                return message.Value;
            _waiting.Add(message.Value);
        }
    }

    /// <summary>The next message of any kind.</summary>
    public JsonElement Message(TimeSpan? wait = null) => Await(_ => true, wait);

    /// <summary>Sends a request and waits for its reply: the result.</summary>
    public JsonElement Ok(string method, JsonNode? arguments = null, TimeSpan? wait = null)
    {
        var reply = Reply(Begin(method, arguments), wait);
        Assert.True(reply.TryGetProperty("result", out var result), $"{method} was answered {reply}");
        return result;
    }

    /// <summary>The same for one that must be refused: the error.</summary>
    public JsonElement Error(string method, JsonNode? arguments = null, TimeSpan? wait = null) =>
        ErrorOf(Reply(Begin(method, arguments), wait));

    public static JsonElement ErrorOf(JsonElement reply)
    {
        Assert.True(reply.TryGetProperty("error", out var error), $"no error: {reply}");
        return error;
    }

    public static int Code(JsonElement error) => error.GetProperty("code").GetInt32();

    public void Shutdown() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Whether the server closes the connection within that time; what it sends meanwhile is kept.</summary>
    public bool Ends(TimeSpan? wait = null)
    {
        var limit = Stopwatch.StartNew();
        while (!AtEnd && Fill((wait ?? s_patience) - limit.Elapsed))
        {
        }
        return AtEnd;
    }

    /// <summary>The next message, or null when none came in time.</summary>
    public JsonElement? TryMessage(TimeSpan wait)
    {
        var limit = Stopwatch.StartNew();
        while (true)
        {
            if (TryCut() is { } text)
            {
                using var document = JsonDocument.Parse(text, new() { MaxDepth = 4096 });
                return document.RootElement.Clone();
            }
            if (!Fill(wait - limit.Elapsed))
                return null;
        }
    }

    byte[]? TryCut()
    {
        if (!_headers)
        {
            var end = Array.IndexOf(_buffer, (byte)'\n');
            return end < 0 ? null : Take(0, end, 1);
        }
        var blank = _buffer.AsSpan().IndexOf("\r\n\r\n"u8);
        if (blank < 0)
            return null;
        var header = Encoding.ASCII.GetString(_buffer, 0, blank);
        Assert.StartsWith("Content-Length: ", header, StringComparison.Ordinal);
        var length = int.Parse(header["Content-Length: ".Length..]);
        return _buffer.Length < blank + 4 + length ? null : Take(blank + 4, length, 0);
    }

    byte[] Take(int start, int length, int behind)
    {
        var text = _buffer[start..(start + length)];
        _buffer = _buffer[(start + length + behind)..];
        return text;
    }

    bool Fill(TimeSpan wait)
    {
        if (AtEnd || Wire.Poll(_socket.SafeHandle, Wire.POLLIN, wait > TimeSpan.Zero ? wait : TimeSpan.Zero) == 0)
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
