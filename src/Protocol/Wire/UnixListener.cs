using System.Net.Sockets;
using HostMemd.Linux;
using HostMemd.Protocol.Qmp;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Wire;

/// <summary>How one socket greets and writes.</summary>
/// <param name="Pretty">Replies are indented, one member a line; only for people.</param>
public sealed record SocketMode(bool Pretty)
{
    /// <summary>Whether that client may connect at all, where the kernel does not decide; null where it does.</summary>
    public Func<PeerCredentials, bool>? Admits { get; init; }
}

/// <summary>
/// One QMP socket: accepts any number of clients and serves each. A failing accept (no descriptors left, say) is waited out.
/// </summary>
public sealed class UnixListener(Socket listener, SocketMode mode, SessionHost host, ILogger logger)
{
    // A crowd at the door is let in by a thread of the pool, so many at a time: the one that waits has the clients to look after.
    const int TurnAccepts = 8;

    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Starts what waits for clients, for whoever wants to know in time that it cannot.</summary>
    /// <exception cref="IOException">No descriptor, or no memory.</exception>
    public static void Prepare() => _ = Poller.Reading;

    // Whatever is wrong with one client, the next is still accepted.
    void Serve(SafeFileHandle client)
    {
        try
        {
            host.Serve(client, mode);
        }
        catch (Exception bug)
        {
            Log.ConnectionBroke(logger, bug);
            _ = Closing.SocketAsync(client);
        }
    }

    /// <summary>Accepts until <paramref name="stop"/>; the clients live on.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        listener.Blocking = false;
        using var incoming = Readiness.ToRead(listener.SafeHandle);
        using var stopping = stop.UnsafeRegister(static r => ((Readiness)r!).Signal(), incoming);
        var crowd = 0;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var errno = UnixSocket.Accept(listener.SafeHandle, out var client);
                if (errno.Ok)
                {
                    Serve(client!);
                    if (++crowd < TurnAccepts)
                        continue;
                    await new BackOfTheQueue();
                }
                else if (errno != Errno.EAGAIN)
                {
                    throw errno.AsException("accept4");
                }
                else
                {
                    await incoming;
                }
                crowd = 0;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (IOException failure)
            {
                Log.AcceptFailed(logger, failure.Message);
                // EMFILE lasts until somebody leaves; asking again at once would only burn the CPU.
                await Task.Delay(s_pause, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }
}
