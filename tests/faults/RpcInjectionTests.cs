using System.Net.Sockets;
using System.Text;
using HostMemd.Events;
using HostMemd.Linux;
using HostMemd.Protocol.Wire;
using HostMemd.Rpc;
using Xunit.Abstractions;

namespace HostMemd.Faulty;

/// <summary>
/// Every system call of a JSON-RPC connection fails in turn: a request is answered or the connection ends, nothing is left behind, and
/// the next client is served.
/// </summary>
[Collection(nameof(HostMemd.Unit.Linux.FaultsTests))]
public sealed class RpcInjectionTests(ITestOutputHelper output) : IDisposable
{
    static readonly string[] s_requests =
    [
        Request("object-add", $$"""{"qom-type":"memory-backend-memfd","id":"m","size":{{Operation.Size}},"prealloc":true,"$progress":1}"""),
        Request("memdev-map", """{"id":"m"}"""),
        Request("query-memdev-stats", "{}"),
        $"[{Request("query-memdev", "{}")},{Request("nonsense", "{}")}]",
        Request("qom-get", """["m","size"]"""),
    ];

    readonly string _folder = Directory.CreateTempSubdirectory("hostmemd-faults-").FullName;

    static string Request(string method, string arguments) =>
        $$"""{"jsonrpc":"2.0","id":"{{method}}","method":"{{method}}","params":{{arguments}}}""";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void EveryCallThatFails_EndsThatConnectionAtMost(bool headers)
    {
        using var daemon = new FaultyDaemon(_folder);
        var rpc = new RpcFrontEnd(daemon.Daemon.Clients, daemon.Daemon.Commands, DaemonEvents.All, daemon.Daemon.Runner, "0", daemon);
        // The first time through warms up what is asked only once.
        Assert.Equal(s_requests.Length, Converse(rpc, headers));
        daemon.DeleteAll();
        Faults.Seen = [];
        Assert.Equal(s_requests.Length, Converse(rpc, headers));
        // The pair of sockets is the test's own.
        var calls = Sampling.Of(Faults.Seen!).Where(c => c.Call != "socketpair").ToArray();
        Faults.Seen = null;
        daemon.DeleteAll();
        var clean = daemon.Held();
        output.WriteLine(string.Join(' ', calls.Select(c => $"{c.Call}*{c.Count}")));
        Assert.Contains("recvmsg", calls.Select(c => c.Call));
        Assert.Contains("sendmsg", calls.Select(c => c.Call));

        var wrong = new List<string>();
        foreach (var (call, nth, errno) in Sampling.Faults(calls))
        {
            Faults.Arm(call, nth, errno);
            var ended = Record.Exception(() => Converse(rpc, headers));
            Faults.Clear();
            var what = $"{call} #{nth} {errno.Name}";
            if (ended is not null)
                wrong.Add($"{what}: {ended.Message}");
            if (Record.Exception(() => Assert.Equal(1, Converse(rpc, headers, Request("query-memdev", "{}")))) is { } next)
                wrong.Add($"{what}: the next client: {next.Message}");
            while (daemon.Errors.TryDequeue(out var logged))
            {
                if (!logged.StartsWith("unexpected failure: ", StringComparison.Ordinal))
                    wrong.Add($"{what}: logged {logged}");
            }
            daemon.DeleteAll();
            var left = Footprint.Settled(daemon.Held, clean);
            if (left != clean && !Errnos.IsRelease(call))
                wrong.Add($"{what}: before:\n{clean}\nleft behind:\n{left}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(25)));
    }

    static int Converse(RpcFrontEnd rpc, bool headers) => Converse(rpc, headers, s_requests);

    /// <summary>How many requests were answered before the connection ended.</summary>
    static int Converse(RpcFrontEnd rpc, bool headers, params string[] requests)
    {
        Assert.True(UnixSocket.CreatePair(out var one, out var theirs).Ok);
        using (var ours = new Socket(new SafeSocketHandle(one!.DangerousGetHandle(), ownsHandle: true)))
        {
            one.SetHandleAsInvalid();
            ours.ReceiveTimeout = ours.SendTimeout = 20_000;
            rpc.Serve(theirs!, new SocketMode(Pretty: false));
            for (var answered = 0; answered < requests.Length; answered++)
            {
                var request = requests[answered];
                if (!Send(ours, headers ? $"Content-Length: {request.Length}\r\n\r\n{request}" : request + "\n")
                    || !IsAnswered(ours, headers))
                    return answered;
            }
            return requests.Length;
        }
    }

    static bool Send(Socket socket, string text)
    {
        try
        {
            return socket.Send(Encoding.UTF8.GetBytes(text)) > 0;
        }
        catch (SocketException gone) when (gone.SocketErrorCode is SocketError.Shutdown or SocketError.ConnectionReset)
        {
            return false;
        }
    }

    // Notifications come in between; what counts is a message with an id.
    static bool IsAnswered(Socket socket, bool headers)
    {
        var text = "";
        var piece = new byte[64 << 10];
        while (true)
        {
            int received;
            try
            {
                received = socket.Receive(piece);
            }
            catch (SocketException gone) when (gone.SocketErrorCode == SocketError.ConnectionReset)
            {
                return false;
            }
            if (received == 0)
                return false;
            text += Encoding.UTF8.GetString(piece, 0, received);
            if (text.Contains("\"id\":\"", StringComparison.Ordinal) && (headers ? text[^1] is '}' or ']' : text[^1] == '\n'))
                return true;
        }
    }

    public void Dispose()
    {
        Faults.Clear();
        Directory.Delete(_folder, recursive: true);
    }
}
