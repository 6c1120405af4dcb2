using System.Collections.Concurrent;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Clients;

// Which clients are refused or closed when a limit is reached.
public sealed partial class ClientRegistry
{
    // Clients that had not begun their conversation when they were looked at last, oldest first.
    readonly List<Client> _silent = [];

    // Clients with an unfinished request.
    readonly ConcurrentDictionary<Client, byte> _unfinishedOf = new();
    readonly Lock _closing = new();
    long _unfinished;

    /// <summary>Clients that have not begun their conversation.</summary>
    public int SilentCount => _clients.Keys.Count(c => !c.HasBegun);

    /// <summary>Bytes of all requests that have begun to come in and have not ended.</summary>
    public long UnfinishedBytes => Volatile.Read(ref _unfinished);

    /// <summary>Bytes of the longest request that has begun to come in and has not ended.</summary>
    public long LongestUnfinished => _unfinishedOf.Keys.Select(c => c.UnfinishedBytes).DefaultIfEmpty().Max();

    /// <summary>
    /// Called by the front end after each read, by one thread at a time for each client. Closes the clients with the longest
    /// unfinished requests when all together pass the limit.
    /// </summary>
    /// <param name="client">The client that was read from.</param>
    /// <param name="bytes">The bytes of its request that has begun to come in and has not ended; 0 at the end.</param>
    public void SetUnfinished(Client client, long bytes)
    {
        var change = client.SetUnfinished(bytes);
        if (change == 0)
            return;
        if (client.UnfinishedBytes > 0)
            _unfinishedOf[client] = 0;
        else
            _unfinishedOf.TryRemove(client, out _);
        if (Limits.UnfinishedBytes.IsPassedBy(Interlocked.Add(ref _unfinished, change)) && change > 0)
            CloseLongest(Limits.UnfinishedBytes);
    }

    string? LimitReached(PeerCredentials peer, SafeFileHandle client)
    {
        var limits = Limits;
        if (limits.Clients.IsReachedBy(Count))
            return limits.Clients.Reached;
        // Counting one user's clients looks at all of them.
        if (limits.ClientsPerUid.Most > 0 && limits.ClientsPerUid.IsReachedBy(CountOf(peer.Uid)))
            return limits.ClientsPerUid.Reached;
        if (client.DangerousGetHandle() > limits.Descriptors)
            return $"limit RLIMIT_NOFILE is reached but for what the daemon itself needs: descriptor {limits.Descriptors}";
        return null;
    }

    // Closes the oldest client that has not begun its conversation. Only recent connections are checked: this runs for each new one.
    void CloseOldestSilent(Client admitted, Limit most)
    {
        lock (_silent)
        {
            if (most.IsReachedBy(_silent.Count))
                _silent.RemoveAll(c => c.HasBegun || c.IsGone);
            if (most.IsReachedBy(_silent.Count))
            {
                var oldest = _silent[0];
                _silent.RemoveAt(0);
                Log.ClientRefused(logger, oldest.Peer.Pid, oldest.Peer.Uid, most.Reached);
                oldest.Abort();
            }
            _silent.Add(admitted);
        }
    }

    // Closes the client with the longest request, not the latest: a short request must not fail because others hold much.
    void CloseLongest(Limit most)
    {
        lock (_closing)
        {
            // A client that was closed before may still be on its way out, and counts as nothing.
            while (most.IsPassedBy(_unfinishedOf.Sum(c => c.Key.UnfinishedBytes)))
            {
                var longest = _unfinishedOf.MaxBy(c => c.Key.UnfinishedBytes).Key;
                Log.ClientRefused(logger, longest.Peer.Pid, longest.Peer.Uid, most.Reached);
                longest.Abort();
            }
        }
    }
}
