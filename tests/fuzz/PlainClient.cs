using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace HostMemd.Fuzz;

/// <summary>One question, one answer.</summary>
sealed class PlainClient : IDisposable
{
    readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 60_000, SendTimeout = 60_000 };
    readonly StreamReader _lines;
    long _number;

    public PlainClient(string path)
    {
        _socket.Connect(new UnixDomainSocketEndPoint(path));
        _lines = new(new NetworkStream(_socket), Encoding.Latin1);
        Line();
        Ask("""{"execute":"qmp_capabilities"}""");
    }

    /// <param name="request">A JSON object without an id.</param>
    public JsonElement Ask(string request)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"ask-{++_number}");
        _socket.Send(Encoding.UTF8.GetBytes($"{request[..^1]},\"id\":\"{id}\"}}\n"));
        while (true)
        {
            using var reply = JsonDocument.Parse(Line(), new JsonDocumentOptions { MaxDepth = 1200 });
            if (reply.RootElement.TryGetProperty("event", out _))
                continue;
            if (reply.RootElement.TryGetProperty("id", out var got) && got.GetString() == id)
                return reply.RootElement.Clone();
            throw new RuleBrokenException($"{request} was answered {reply.RootElement.GetRawText()}");
        }
    }

    string Line() => _lines.ReadLine() ?? throw new RuleBrokenException("the daemon closed the good client's connection");

    public void Dispose()
    {
        _lines.Dispose();
        _socket.Dispose();
    }
}
