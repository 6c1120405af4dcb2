using System.Collections.Concurrent;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Qmp;

/// <summary>All clients of all sockets: greets them, serves them, tells them of events, and sees them out at the end.</summary>
public sealed class SessionHost(Value greeting, CommandRunner run, WireLimits limits, Func<PeerCredentials, Role?> roleOf, ILogger logger)
{
    readonly ConcurrentDictionary<Connection, byte> _connections = new();
    readonly CancellationTokenSource _stop = new();
    readonly ConcurrentDictionary<Connection, byte> _begun = new();
    readonly List<Connection> _greeted = [];
    readonly Lock _dropping = new();
    long _unfinished;
    // The dictionary counts by taking all its locks: 3.2 s of CPU instead of 4.1 while 5,000 come and go (tests/noisy-neighbours --only crowd).
    int _count;

    /// <summary>May be replaced while running; those already connected keep what they had.</summary>
    public WireLimits Limits { get; set; } = limits;

    public int Count => Volatile.Read(ref _count);

    public IEnumerable<Session> Sessions => _connections.Keys.Select(c => c.Session);

    /// <summary>Called when a client has left, with the number of those still there.</summary>
    public Action<Session, int>? Left { get; set; }

    /// <summary>Greets the client and serves it from now on.</summary>
    public void Serve(SafeFileHandle client, SocketMode mode)
    {
        var peer = PeerCredentials.Of(client);
        Closing.Most = Limits.ClosingDescriptors;
        if (Refusal(peer, client, mode) is { } refusal)
        {
            Log.ClientRefused(logger, peer.Pid, peer.Uid, refusal);
            _ = Closing.SocketAsync(client);
            return;
        }
        var output = new Output(mode.Pretty, (long)Limits.OutputBytes.Most) { Socket = client };
        var session = new Session(output, peer, run, Limits) { Role = roleOf(peer) ?? Role.Observer };
        // What an observer may do takes no descriptors: those it sends are not even kept until the next message.
        session.Descriptors.Highest = session.Role == Role.Observer ? -1 : Limits.Descriptors;
        var connection = new Connection(client, session, output, Limits, Unfinished);
        // The greeting is the first write and nothing else is in it: some clients take the first piece they read for all of it.
        output.Send(greeting);
        output.Flush();
        Log.Connected(logger, peer.Pid, peer.Uid);
        DropSilent(connection, Limits.Silent);
        _connections[connection] = 0;
        Interlocked.Increment(ref _count);
        _ = ServeAsync(connection);
    }

    string? Refusal(PeerCredentials peer, SafeFileHandle client, SocketMode mode)
    {
        if (mode.Admits?.Invoke(peer) == false)
            return "the socket's mode does not admit it";
        if (roleOf(peer) is null)
            return "it is on no list";
        var limits = Limits;
        if (limits.Clients.IsReachedBy(Count))
            return limits.Clients.Reached;
        if (limits.ClientsPerUid.Most > 0 && limits.ClientsPerUid.IsReachedBy(_connections.Keys.Count(c => c.Session.Peer.Uid == peer.Uid)))
            return limits.ClientsPerUid.Reached;
        if (client.DangerousGetHandle() > limits.Descriptors)
            return $"limit RLIMIT_NOFILE is reached but for what the daemon itself needs: descriptor {limits.Descriptors}";
        return null;
    }

    // Of those that connect and never negotiate the oldest goes: a client that means it does so at once. Looked at are those greeted
    // last, not all clients: this is done for each that comes.
    void DropSilent(Connection greeted, Limit most)
    {
        lock (_greeted)
        {
            if (most.IsReachedBy(_greeted.Count))
                _greeted.RemoveAll(c => c.Session.IsNegotiated || c.Session.IsGone);
            if (most.IsReachedBy(_greeted.Count))
            {
                var oldest = _greeted[0];
                _greeted.RemoveAt(0);
                Log.ClientRefused(logger, oldest.Session.Peer.Pid, oldest.Session.Peer.Uid, most.Reached);
                oldest.Abort();
            }
            _greeted.Add(greeted);
        }
    }

    /// <summary>Bytes of all requests that have begun to come in and have not ended.</summary>
    public long UnfinishedBytes => Volatile.Read(ref _unfinished);

    /// <summary>Bytes of the longest of them.</summary>
    public long LongestUnfinished => _begun.Keys.Select(c => c.UnfinishedBytes).DefaultIfEmpty().Max();

    void Unfinished(Connection connection, long change)
    {
        if (connection.UnfinishedBytes > 0)
            _begun[connection] = 0;
        else
            _begun.TryRemove(connection, out _);
        if (Limits.UnfinishedBytes.IsPassedBy(Interlocked.Add(ref _unfinished, change)) && change > 0)
            DropLongest(Limits.UnfinishedBytes);
    }

    // Not who came last: a good client's request is short, and is not to fail because others hold much.
    void DropLongest(Limit most)
    {
        lock (_dropping)
        {
            // Those dropped before may still be on their way out: counted are those that stay.
            while (most.IsPassedBy(_begun.Sum(c => c.Key.UnfinishedBytes)))
            {
                var longest = _begun.MaxBy(c => c.Key.UnfinishedBytes).Key;
                Log.ClientRefused(logger, longest.Session.Peer.Pid, longest.Session.Peer.Uid, most.Reached);
                longest.Abort();
            }
        }
    }

    async Task ServeAsync(Connection connection)
    {
        try
        {
            await connection.RunAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (IOException failure)
        {
            Log.ClientRefused(logger, connection.Session.Peer.Pid, connection.Session.Peer.Uid, failure.Message);
        }
        catch (Exception bug)
        {
            Log.ConnectionBroke(logger, bug);
            connection.Abort();
        }
        finally
        {
            _connections.TryRemove(connection, out _);
            var others = Interlocked.Decrement(ref _count);
            // With all it had begun to read.
            lock (_greeted)
                _greeted.Remove(connection);
            Log.Disconnected(logger, connection.Session.Peer.Pid);
            Left?.Invoke(connection.Session, others);
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
