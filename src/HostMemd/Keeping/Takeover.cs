using System.Net.Sockets;
using System.Text;
using HostMemd.Linux;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using HostMemd.Start;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Keeping;

/// <summary>The new daemon's side of a takeover: asks the running one for everything, and tells it when it serves itself.</summary>
sealed class Takeover : IDisposable
{
    readonly Socket _client;
    readonly TakeoverChannel _channel;

    Takeover(Socket client, TakeoverChannel channel, Handed handed)
    {
        _client = client;
        _channel = channel;
        Handed = handed;
    }

    public Handed Handed { get; }

    /// <param name="socket">The running daemon's.</param>
    /// <exception cref="StartException">Nobody answers there, or it refuses; it then goes on as if nothing had happened.</exception>
    public static Takeover From(SocketOptions socket)
    {
        var path = socket.IsAbstract ? socket.Name : socket.Path;
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            client.Connect(UnixAddress.Of(socket).ToEndPoint());
            // The greeting and the reply to the negotiation say nothing that is needed here.
            client.Send(Encoding.ASCII.GetBytes("{\"execute\":\"qmp_capabilities\"}"));
            ReadLine(client);
            ReadLine(client);
            var (ours, theirs) = SocketPair.Create();
            using (theirs)
            {
                var command = JsonWriter.ToText(Value.Object(("execute", Value.From("x-takeover")),
                    ("arguments", Value.Object(("pid", Value.From((long)Environment.ProcessId))))));
                if (FdPassing.Send(client.SafeHandle, Encoding.ASCII.GetBytes(command), theirs, out _).Failed)
                    throw new StartException($"cannot ask {path} to hand over");
            }
            var channel = new TakeoverChannel(ours);
            try
            {
                return new(client, channel, channel.Receive());
            }
            catch (StartException broken)
            {
                channel.Dispose();
                // Its own reason is better than ours.
                throw client.Poll(1_000_000, SelectMode.SelectRead) ? new StartException($"{path}: {ReadLine(client).Trim()}") : broken;
            }
        }
        catch (SocketException failure)
        {
            client.Dispose();
            throw new StartException($"no daemon to take over from at {path}: {failure.Message}");
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>All is ready here: the other one leaves.</summary>
    /// <exception cref="StartException">It goes on, having lost its patience; nobody else may then.</exception>
    public void Finish()
    {
        try
        {
            _channel.SendServed();
            // Its answer comes when it has let nobody in any more; that it then ends is not waited for. Nothing at all means that it has died.
            while (ReadLine(_client) is { Length: > 0 } line)
            {
                if (line.Contains("\"return\"", StringComparison.Ordinal))
                    return;
                if (line.Contains("\"error\"", StringComparison.Ordinal))
                    throw new StartException($"the running daemon goes on: {line.Trim()}");
            }
        }
        catch (SocketException broken) when (broken.SocketErrorCode is not (SocketError.ConnectionReset or SocketError.Shutdown))
        {
            throw new StartException($"the running daemon goes on: {broken.Message}");
        }
    }

    static string ReadLine(Socket socket)
    {
        var line = new List<byte>();
        var one = new byte[1];
        socket.ReceiveTimeout = 10_000;
        while (line.Count < 65536 && socket.Receive(one) == 1)
        {
            line.Add(one[0]);
            if (one[0] == '\n')
                break;
        }
        return Encoding.UTF8.GetString([.. line]);
    }

    public void Dispose()
    {
        _channel.Dispose();
        _client.Dispose();
    }
}
