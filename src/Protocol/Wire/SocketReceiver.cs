using System.Buffers;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Wire;

/// <summary>Takes from one client's socket what has come, bytes and descriptors, without waiting.</summary>
/// <param name="socket">The client.</param>
/// <param name="descriptors">Takes its descriptors.</param>
/// <param name="closing">Bounds how many of them may wait to be closed.</param>
public sealed class SocketReceiver(SafeFileHandle socket, ReceivedDescriptors descriptors, Closing closing)
{
    /// <summary>Bytes of one read: many commands in a batch, and still small for each of thousands of idle clients.</summary>
    public const int ReadSize = 16 << 10;

    static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(500);

    // One delegate for all receives.
    readonly DescriptorsReceived _arrived = descriptors.Add;

    /// <summary>Of a receive: descriptors are to come, and there may be no room for them. The kernel has no such errno.</summary>
    public static Errno HasDescriptors { get; } = new(int.MaxValue);

    /// <summary>Receives what is there.</summary>
    /// <param name="buffer">
    /// Rented from the shared pool, and only if something came: a client that is silent holds none, and thousands that speak in turns
    /// use the
    /// same few.
    /// </param>
    /// <param name="received">Bytes; 0 at the end of input, or with an errno.</param>
    /// <returns>An errno, or <see cref="HasDescriptors"/>: then nothing was received.</returns>
    public Errno Receive(out byte[] buffer, out int received)
    {
        buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        var errno = Receive(buffer.AsSpan(0, ReadSize), out received);
        if (received == 0)
            GiveBack(ref buffer);
        return errno;
    }

    Errno Receive(Span<byte> bytes, out int received)
    {
        if (Closing.PerReceive == FdPassing.MaxDescriptors && closing.TryPromise(FdPassing.MaxDescriptors))
            return ReceivePromised(bytes, FdPassing.MaxDescriptors, out received);
        // There is no room for all the descriptors that a message can have, but for bytes there is.
        received = 0;
        var errno = FdPassing.Peek(socket, bytes, out var seen, out var hasDescriptors);
        if (hasDescriptors)
            return HasDescriptors;
        return seen == 0 ? errno : FdPassing.Receive(socket, bytes[..seen], _arrived, 0, out received, out _);
    }

    Errno ReceivePromised(Span<byte> bytes, int most, out int received)
    {
        var errno = FdPassing.Receive(socket, bytes, _arrived, most, out received, out _);
        closing.Return(most);
        return errno;
    }

    /// <summary>After <see cref="HasDescriptors"/>: reserves room for <see cref="ReceivePromisedAsync"/>; false if there is none
    /// now.</summary>
    public bool TryPromise() => closing.TryPromise(Closing.PerReceive);

    /// <summary>
    /// Receives with the room that was reserved, on another thread: the kernel closes descriptors for which there is none on the thread
    /// that
    /// receives, and a close can hang.
    /// </summary>
    public Task<(Errno Errno, byte[] Buffer, int Received)> ReceivePromisedAsync()
    {
        var most = Closing.PerReceive;
        // Not Task.RunSynchronously: on a stack as small as the closers' it gives the work to the pool.
        var done = new TaskCompletionSource<(Errno, byte[], int)>(TaskCreationOptions.RunContinuationsAsynchronously);
        Closers.Run(() =>
        {
            try
            {
                var buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
                var errno = ReceivePromised(buffer.AsSpan(0, ReadSize), most, out var received);
                if (received == 0)
                    GiveBack(ref buffer);
                done.SetResult((errno, buffer, received));
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        });
        return done.Task;
    }

    static void GiveBack(ref byte[] buffer)
    {
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }

    /// <summary>Completes when there may be room for descriptors, and after half a second, since close(2) may hang for ever.</summary>
    public async Task RoomAsync(CancellationToken stop)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await Task.WhenAny(closing.RoomAsync(), Task.Delay(s_look, waiting.Token)).ConfigureAwait(false);
        await waiting.CancelAsync().ConfigureAwait(false);
    }
}
