using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// Closes what one client sent. A descriptor may be of a file system that hangs, and close(2) with it: neither the thread that all clients
/// share nor the holder of the state may wait for that. What waits to be closed still has a number of RLIMIT_NOFILE, so a client that sends
/// descriptors faster than they are closed is not read from until there is room again, and no other client is concerned.
/// </summary>
public sealed class Closing
{
    static readonly Lock s_gate = new();
    static readonly List<Closing> s_waiting = [];
    static int s_open;

    int _mine;
    TaskCompletionSource? _room;

    /// <summary>How many descriptors of all clients may wait to be closed, or be on their way in, at once.</summary>
    public static int Most { get; set; } = 512;

    /// <summary>How many that is now.</summary>
    public static int Open => Volatile.Read(ref s_open);

    /// <summary>How many descriptors one receive may bring; of what a message has beyond that, the kernel lets go (recvmsg(2), MSG_CTRUNC).</summary>
    /// <remarks>
    /// What an admin's last message brought stays until the next one, as in QEMU: with a small limit these batches must leave room for the
    /// descriptors that are meant. QEMU takes 16 of a message.
    /// </remarks>
    public static int PerReceive => Most >= 2 * FdPassing.MaxDescriptors ? FdPassing.MaxDescriptors : Math.Max(1, Most / 4);

    // One client alone, whose descriptors hang, leaves room for the others.
    bool HasTooMany => _mine > Most / 4;

    /// <summary>Keeps room for what a receive may bring; <see cref="Return"/> ends it.</summary>
    /// <returns>False if there is none now.</returns>
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

    /// <summary>The receive is over: what it brought is counted by itself.</summary>
    internal void Return(int count) => Ease(null, count);

    /// <summary>Completes when it is worth trying again.</summary>
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

    /// <summary>Returns at once; soon after the descriptor is closed, on another thread.</summary>
    public void Close(SafeFileHandle handle) => Queue(this, handle);

    /// <inheritdoc cref="Close"/>
    /// <remarks>For descriptors that a command had taken.</remarks>
    public static void Elsewhere(SafeFileHandle handle) => Queue(null, handle);

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
