using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// Closes the descriptors that one client sent, on other threads: close(2) can hang with the descriptor's file system, and neither the
/// thread that all clients share nor a holder of the state may wait for that. A descriptor that waits to be closed still counts for
/// RLIMIT_NOFILE. So a client that sends descriptors faster than they are closed is not read from until there is room; other clients are
/// not affected.
/// </summary>
public sealed class Closing
{
    static readonly Lock s_gate = new();
    static readonly List<Closing> s_waiting = [];
    static int s_open;

    int _mine;
    TaskCompletionSource? _room;

    /// <summary>The most descriptors of all clients that may wait to be closed or be on their way in at once.</summary>
    public static int Most { get; set; } = 512;

    /// <summary>The number of such descriptors now.</summary>
    public static int Open => Volatile.Read(ref s_open);

    /// <summary>The most descriptors that one receive may bring. The kernel closes those beyond (recvmsg(2), MSG_CTRUNC).</summary>
    /// <remarks>
    /// As in QEMU the descriptors of an admin's last message stay until its next one. With a small limit such batches must leave room for
    /// descriptors that commands take. QEMU takes 16 of a message.
    /// </remarks>
    public static int PerReceive => Most >= 2 * FdPassing.MaxDescriptors ? FdPassing.MaxDescriptors : Math.Max(1, Most / 4);

    // A client whose descriptors hang must leave room for the others.
    bool HasTooMany => _mine > Most / 4;

    /// <summary>Reserves room for the descriptors that a receive may bring, until <see cref="Return"/>.</summary>
    /// <returns>False if there is no room now.</returns>
    internal bool TryPromise(int count)
    {
        lock (s_gate)
        {
            if (HasTooMany || s_open + count > Most)
                return false;
            s_open += count;
            return true;
        }
    }

    /// <summary>Ends the reservation after the receive. Descriptors that it brought are counted when they are closed.</summary>
    internal void Return(int count) => Ease(null, count);

    /// <summary>Completes when <see cref="TryPromise"/> is worth another try.</summary>
    internal Task RoomAsync()
    {
        lock (s_gate)
        {
            if (!HasTooMany && s_open <= Most / 2)
                return Task.CompletedTask;
            if (_room is null)
            {
                _room = new(TaskCreationOptions.RunContinuationsAsynchronously);
                s_waiting.Add(this);
            }
            return _room.Task;
        }
    }

    /// <summary>Returns at once. Another thread closes the descriptor soon.</summary>
    public void Close(SafeFileHandle handle) => Queue(this, handle);

    /// <inheritdoc cref="Close"/>
    /// <remarks>For a descriptor that a command had taken: it counts for no client.</remarks>
    public static void InBackground(SafeFileHandle handle) => Queue(null, handle);

    /// <summary>
    /// Closes a client's socket; completes when that is done. What the client sent and the daemon did not read goes with the socket, and
    /// with it its descriptors, which the kernel closes on the thread that closes the socket.
    /// </summary>
    public static Task SocketAsync(SafeFileHandle socket)
    {
        // From here on the client can send no more.
        _ = UnixSocket.Shutdown(socket);
        if (UnixSocket.Unread(socket, out var unread).Ok && unread == 0)
        {
            socket.Dispose();
            return Task.CompletedTask;
        }
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Closers.Run(() =>
        {
            socket.Dispose();
            closed.SetResult();
        });
        return closed.Task;
    }

    static void Queue(Closing? client, SafeFileHandle handle)
    {
        lock (s_gate)
        {
            s_open++;
            if (client is not null)
                client._mine++;
        }
        Closers.Run(() =>
        {
            handle.Dispose();
            Ease(client, 1);
        });
    }

    static void Ease(Closing? client, int count)
    {
        List<TaskCompletionSource>? wake = null;
        lock (s_gate)
        {
            s_open -= count;
            if (client is not null)
                client._mine -= count;
            if (s_waiting.Count == 0 || s_open > Most / 2)
                return;
            for (var i = s_waiting.Count - 1; i >= 0; i--)
            {
                if (s_waiting[i].HasTooMany)
                    continue;
                (wake ??= []).Add(s_waiting[i]._room!);
                s_waiting[i]._room = null;
                s_waiting.RemoveAt(i);
            }
        }
        foreach (var room in wake ?? [])
            room.SetResult();
    }
}
