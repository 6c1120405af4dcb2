using System.Net.Sockets;
using System.Text;
using HostMemd.Config;
using HostMemd.Linux;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using HostMemd.Start;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Takeover;

/// <summary>The new daemon's side of a takeover: asks the running daemon for everything, and reports when it is ready to serve.</summary>
sealed class TakeoverClient : IDisposable
{
    readonly Socket _client;
    readonly TakeoverChannel _channel;

    TakeoverClient(Socket client, TakeoverChannel channel, Handed handed)
    {
        _client = client;
        _channel = channel;
        Handed = handed;
    }

    public Handed Handed { get; }

    /// <param name="socket">The running daemon's QMP socket.</param>
    /// <exception cref="StartException">No daemon answers there, or it refuses. It then goes on as before.</exception>
    public static TakeoverClient From(SocketOptions socket)
    {
        var path = socket.IsAbstract ? socket.Name : socket.Path;
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            client.Connect(UnixAddress.Of(socket).ToEndPoint());
            // Nothing in the greeting and in the reply to the negotiation is needed here.
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
                // The daemon's own reason says more than this side knows.
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

    /// <summary>Reports that this daemon is ready. The running daemon ends then.</summary>
    /// <exception cref="StartException">The running daemon waited too long and goes on. This one must end.</exception>
    public void Finish()
    {
        try
        {
            _channel.SendServed();
            // The running daemon answers when it accepts no more changes; its end is not awaited. No answer means that it has died.
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
