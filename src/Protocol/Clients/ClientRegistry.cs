using System.Collections.Concurrent;
using System.Diagnostics;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Clients;

/// <summary>
/// All clients of all front ends: admits them, counts them, sends them events, closes them when a limit is reached, and ends them
/// together with the daemon. So a limit holds over all protocols.
/// </summary>
/// <param name="limits">The limits to begin with.</param>
/// <param name="roleOf">The role that the access rules give a client; null for one that is not served.</param>
/// <param name="logger">Gets a line for each client that is refused or closed.</param>
public sealed partial class ClientRegistry(WireLimits limits, Func<PeerCredentials, Role?> roleOf, ILogger logger) : IAudience
{
    /// <summary>How long <see cref="StopAsync"/> lasts at most, whatever gets on: a service manager waits only so long.</summary>
    public static readonly TimeSpan MostPatience = TimeSpan.FromMinutes(1);

    // The task completes when the client's socket is closed.
    readonly ConcurrentDictionary<Client, TaskCompletionSource> _clients = new();
    readonly CancellationTokenSource _stop = new();

    // The dictionary counts by taking all its locks, which would be most of the work when thousands come and go.
    int _count;

    /// <summary>May be replaced while running; those already connected keep what they had.</summary>
    public WireLimits Limits { get; set; } = limits;

    public int Count => Volatile.Read(ref _count);

    public IEnumerable<Client> All => _clients.Keys;

    /// <summary>Called when no client is left.</summary>
    public Action? LastClientLeft { get; set; }

    public bool IsWatched => _clients.Keys.Any(c => c.Watches);

    public int CountOf(uint uid) => _clients.Keys.Count(c => c.Peer.Uid == uid);

    /// <summary>Decides whether a client that has connected is served. One that is not is closed, and the log has the reason.</summary>
    public bool TryAdmit(SafeFileHandle client, SocketMode mode, out PeerCredentials peer, out Role role)
    {
        peer = PeerCredentials.Of(client);
        Closing.Most = Limits.ClosingDescriptors;
        var allowed = roleOf(peer);
        role = allowed ?? Role.Observer;
        var refusal = mode.Admits?.Invoke(peer) == false ? "the socket's mode does not admit it"
            : allowed is null ? "it is on no list"
            : LimitReached(peer, client);
        if (refusal is null)
            return true;
        Log.ClientRefused(logger, peer.Pid, peer.Uid, refusal);
        _ = Closing.SocketAsync(client);
        return false;
    }

    /// <summary>Counts an admitted client until it has left.</summary>
    /// <param name="client">The client, which the front end has greeted.</param>
    /// <param name="serve">
    /// Serves the client until it leaves, or until the token asks for an end after what was received; closes its socket. An
    /// <see cref="IOException"/> ends this client alone.
    /// </param>
    public void Serve(Client client, Func<CancellationToken, Task> serve)
    {
        Log.Connected(logger, client.Peer.Pid, client.Peer.Uid);
        CloseOldestSilent(client, Limits.Silent);
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _clients[client] = left;
        Interlocked.Increment(ref _count);
        _ = ServeAsync(client, serve, left);
    }

    async Task ServeAsync(Client client, Func<CancellationToken, Task> serve, TaskCompletionSource left)
    {
        try
        {
            await serve(_stop.Token).ConfigureAwait(false);
        }
        catch (IOException failure)
        {
            Log.ClientRefused(logger, client.Peer.Pid, client.Peer.Uid, failure.Message);
        }
        catch (Exception bug)
        {
            Log.ConnectionBroke(logger, bug);
            client.Abort();
        }
        finally
        {
            _clients.TryRemove(client, out _);
            var others = Interlocked.Decrement(ref _count);
            // With all it had begun to read.
            lock (_silent)
                _silent.Remove(client);
            Log.Disconnected(logger, client.Peer.Pid);
            if (others == 0)
                LastClientLeft?.Invoke();
            left.SetResult();
        }
    }

    public void Send(Event what, Members data, bool onlyWatchers = false)
    {
        if (_clients.IsEmpty)
            return;
        onlyWatchers |= what.IsExtension;
        var notice = new Notice(what, data, DateTimeOffset.UtcNow);
        foreach (var client in _clients.Keys)
        {
            if (!onlyWatchers || client.Watches)
                client.Notify(notice);
        }
    }

    /// <summary>
    /// Lets every front end answer what was received and close. Cuts off the clients that are left when nothing got on for
    /// <paramref name="patience"/>, and after <see cref="MostPatience"/> at the latest.
    /// </summary>
    /// <param name="patience">How long nothing may get on.</param>
    /// <param name="filled">Returns the bytes that were filled so far: a client that waits for its memory sees nothing else.</param>
    public async Task StopAsync(TimeSpan patience, Func<ulong> filled)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        var all = Task.WhenAll(_clients.Values.Select(left => left.Task));
        var begun = Stopwatch.GetTimestamp();
        while (true)
        {
            var before = Progress();
            try
            {
                await all.WaitAsync(patience).ConfigureAwait(false);
                return;
            }
            catch (TimeoutException) when (Progress() != before && Stopwatch.GetElapsedTime(begun) < MostPatience)
            {
                // Something got on: a client was answered, read something, or had more of its memory filled.
            }
            catch (TimeoutException)
            {
                foreach (var client in _clients.Keys)
                    client.Abort();
                return;
            }
        }

        (int, int, long, ulong) Progress() =>
            (Count, _clients.Keys.Sum(c => c.Queued), _clients.Keys.Sum(c => c.PendingOutput), filled());
    }
}
