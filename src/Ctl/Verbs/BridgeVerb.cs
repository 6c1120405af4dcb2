using System.Net.Sockets;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;

namespace HostMemd.Ctl.Verbs;

/// <summary>Standard input and output are the daemon's socket: the far end of <c>-H</c>.</summary>
static class BridgeVerb
{
    public static readonly VerbRow Row = new("bridge", "Connect standard input and output to the daemon's socket.", RunAsync)
    { IsHidden = true };

    static async Task<int> RunAsync(Invocation call)
    {
        using var socket = await call.Daemon.OpenSocketAsync().ConfigureAwait(false);
        await using var stream = new NetworkStream(socket);
        await using var output = new StandardOutput(1);
        var upward = UpwardAsync(socket, stream);
        var downward = stream.CopyToAsync(output);
        // The daemon's end is the end; the client's is passed on, and what was asked is still answered.
        await downward.ConfigureAwait(false);
        return upward.IsFaulted ? ExitStatus.Unreachable : ExitStatus.Done;
    }

    static async Task UpwardAsync(Socket socket, NetworkStream stream)
    {
        await using var input = Console.OpenStandardInput();
        await input.CopyToAsync(stream).ConfigureAwait(false);
        socket.Shutdown(SocketShutdown.Send);
    }
}
