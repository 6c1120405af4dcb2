using System.Net.Sockets;
using System.Runtime.InteropServices;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging;

namespace HostMemd.Protocol.Wire;

/// <summary>How one socket greets and writes.</summary>
/// <param name="Pretty">Replies are indented, one member a line; only for people.</param>
public sealed record SocketMode(bool Pretty);

/// <summary>
/// One QMP socket: accepts any number of clients and serves each. A failing accept (no descriptors left, say) is waited out.
/// </summary>
public sealed class UnixListener(Socket listener, SocketMode mode, SessionHost host, ILogger logger)
{
    // A crowd at the door is let in by a thread of the pool, so many at a time: the sockets' own threads have the clients to look after.
    // While 5,000 come and go, p99 of the others is 8 to 31 ms instead of 300 to 390 (tests/company --only crowd, 2026-11-21).
    const int TurnAccepts = 8;

    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Listens at that path.</summary>
    /// <exception cref="SocketException">bind(2) or listen(2) failed.</exception>
    public static Socket Bind(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            // SOMAXCONN of the kernel; it cuts the number to net.core.somaxconn.
            socket.Listen(4096);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // Whatever is wrong with one client, the next is still accepted.
    void Serve(Socket client)
    {
        try
        {
            host.Serve(client, mode);
        }
        catch (Exception bug)
        {
            Log.ConnectionBroke(logger, bug);
            client.Dispose();
        }
    }

    /// <summary>Accepts until <paramref name="stop"/>; the clients live on.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var crowd = 0;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                var accepting = listener.AcceptAsync(stop);
                crowd = accepting.IsCompleted ? crowd + 1 : 0;
                Serve(await accepting.ConfigureAwait(false));
                if (crowd >= TurnAccepts)
                {
                    await new BackOfTheQueue();
                    crowd = 0;
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException failure)
            {
                Log.AcceptFailed(logger, failure.SocketErrorCode);
                // EMFILE lasts until somebody leaves; asking again at once would only burn the CPU.
                await Task.Delay(s_pause, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }
}
