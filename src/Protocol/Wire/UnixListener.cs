using System.Net.Sockets;
using HostMemd.Linux;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// One listening socket: accepts any number of clients and hands each to the front end. After a failing accept, for want of descriptors
/// say, it tries again.
/// </summary>
public sealed class UnixListener(Socket listener, SocketMode mode, IFrontEnd server, ILogger logger)
{
    // After so many clients in a row a thread of the pool goes on, because the poller's thread has the connected clients to serve.
    const int TurnAccepts = 8;

    static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Starts the thread that waits for clients, so that a failure shows before the daemon says it is ready.</summary>
    /// <exception cref="IOException">No descriptor or no memory is left.</exception>
    public static void Prepare() => _ = Poller.Reading;

    // A failure with one client must not keep the next from being accepted.
    void Serve(SafeFileHandle client)
    {
        try
        {
            server.Serve(client, mode);
        }
        catch (Exception bug)
        {
            Log.ConnectionBroke(logger, bug);
            _ = Closing.SocketAsync(client);
        }
    }

    /// <summary>Accepts clients until <paramref name="stop"/>. Clients that were accepted are served on.</summary>
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
                // EMFILE lasts until a client leaves: trying again at once would only use the CPU.
                await Task.Delay(s_pause, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }
}
