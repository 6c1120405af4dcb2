using System.Collections.Concurrent;
using System.Net.Sockets;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging;

namespace HostMemd.Protocol;

/// <summary>All clients of all sockets: greets them, serves them, tells them of events, and sees them out at the end.</summary>
public sealed class SessionHost(Value greeting, CommandRunner run, WireLimits limits, Func<PeerCredentials, Role> roleOf, ILogger logger)
{
    readonly ConcurrentDictionary<Connection, byte> _connections = new();
    readonly CancellationTokenSource _stop = new();

    public IEnumerable<Session> Sessions => _connections.Keys.Select(c => c.Session);

    /// <summary>Called when a client has left, with the number of those still there.</summary>
    public Action<Session, int>? Left { get; set; }

    /// <summary>Greets the client and serves it from now on.</summary>
    public void Serve(Socket client, SocketMode mode)
    {
        if (_connections.Count >= limits.Clients)
        {
            Log.TooManyClients(logger, limits.Clients);
            client.Dispose();
            return;
        }
        var peer = PeerCredentials.Of(client);
        var output = new Output(mode.Pretty, limits.OutputLimit);
        var session = new Session(output, peer, run, limits) { Role = roleOf(peer) };
        var connection = new Connection(client, session, output, limits);
        // The greeting is the first write and nothing else is in it: some clients take the first piece they read for all of it.
        output.Send(greeting);
        output.Flush();
        Log.Connected(logger, peer.Pid, peer.Uid);
        _connections[connection] = 0;
        _ = ServeAsync(connection);
    }

    async Task ServeAsync(Connection connection)
    {
        // Away from the accept loop: what the client sent with its connect may take long to answer.
        await Task.Yield();
        try
        {
            await connection.RunAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (Exception bug)
        {
            Log.ConnectionBroke(logger, bug);
            connection.Abort();
        }
        finally
        {
            _connections.TryRemove(connection, out _);
            Log.Disconnected(logger, connection.Session.Peer.Pid);
            Left?.Invoke(connection.Session, _connections.Count);
        }
    }

    /// <summary>Some client has asked for events that QEMU does not have.</summary>
    public bool IsWatched => _connections.Keys.Any(c => c.Session.Watches);

    /// <summary>Sends an event to every client that is to have it. Does not wait for any.</summary>
    /// <param name="declared">What happened.</param>
    /// <param name="data">Its data.</param>
    /// <param name="onlyWatchers">In this case QEMU would not send it.</param>
    public void Broadcast(Event declared, Members data, bool onlyWatchers = false)
    {
        if (_connections.IsEmpty)
            return;
        var message = declared.Message(data, DateTimeOffset.UtcNow);
        foreach (var connection in _connections.Keys)
        {
            if (!onlyWatchers || connection.Session.Watches)
                connection.Session.Notify(declared, message);
        }
    }

    /// <summary>Answers what was received, then closes; whoever is not done by then is cut off.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        var all = Task.WhenAll(_connections.Keys.Select(c => c.Finished));
        try
        {
            await all.WaitAsync(patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            foreach (var connection in _connections.Keys)
                connection.Abort();
        }
    }
}
