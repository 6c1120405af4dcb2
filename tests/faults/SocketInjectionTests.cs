using System.Net.Sockets;
using System.Text;
using HostMemd.Config;
using HostMemd.Linux;
using HostMemd.Protocol.Wire;
using HostMemd.Start;
using HostMemd.Unit.Linux;
using Xunit.Abstractions;

namespace HostMemd.Faulty;

/// <summary>
/// Every system call that serves a client fails in turn, from accepting it to its end. That client may lose its connection; the others and
/// the next one lose nothing.
/// </summary>
[Collection(nameof(FaultsTests))]
public sealed class SocketInjectionTests : IDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    // Of the thread that waits for all clients.
    static readonly Errno[] s_waitErrnos = [Errno.EBADF, Errno.EFAULT, Errno.EINVAL];

    readonly ITestOutputHelper _output;
    readonly string _folder = Directory.CreateTempSubdirectory("hostmemd-faults-").FullName;
    readonly OwnedFiles _owned = new();
    readonly FaultyDaemon _daemon;
    readonly List<string> _wrong = [];

    public SocketInjectionTests(ITestOutputHelper output)
    {
        _output = output;
        _daemon = new(_folder);
        _daemon.Daemon.Listen(QmpSocket.Listen(Path, new AccessOptions(), _owned), new SocketMode(Pretty: false), Path);
    }

    string Path => System.IO.Path.Combine(_folder, "qmp.sock");

    [Fact]
    public void EveryCallForAClientThatFails_ConcernsThatClientOnly()
    {
        using var bystander = Negotiated();
        Assert.True(Converse(), "a client is not served, without any fault");
        var clean = Settled("");
        Faults.Seen = [];
        Assert.True(Converse());
        var calls = Sampling.Of(Faults.Seen!);
        Faults.Seen = null;
        Assert.Empty(new[] { "accept4", "getsockopt", "recvmsg", "sendmsg", "epoll_ctl" }.Except(calls.Select(c => c.Call)));

        var waits = s_waitErrnos.SelectMany(errno => Enumerable.Range(1, 3).Select(nth => ("epoll_wait", nth, errno)));
        foreach (var (call, nth, errno) in Sampling.Faults(calls).Concat(waits))
        {
            var what = $"{call} #{nth} {errno.Name}";
            Faults.Arm(call, nth, errno);
            Converse();
            Faults.Clear();

            if (Record.Exception(() => Ask(bystander, "query-name")) is { } lost)
                _wrong.Add($"{what}: another client: {lost.Message}");
            if (!Converse())
                _wrong.Add($"{what}: the next client is not served");
            if (Settled(clean) is var after && after != clean)
                _wrong.Add($"{what}: {clean} before, {after} after");
            while (_daemon.Errors.TryDequeue(out var logged))
            {
                // The one failure that has no client.
                if (call != "epoll_wait" || !logged.StartsWith("unexpected failure: epoll_wait", StringComparison.Ordinal))
                    _wrong.Add($"{what}: logged {logged}");
            }
        }

        _output.WriteLine(string.Join(' ', calls.Select(c => $"{c.Call}*{c.Count}")));
        Assert.True(_wrong.Count == 0, string.Join('\n', _wrong));
    }

    // Closed sockets and cancelled waits go in their own time.
    static string Settled(string expected)
    {
        var now = Held();
        for (var limit = Environment.TickCount64 + 2000; now != expected && Environment.TickCount64 < limit; now = Held())
            Thread.Sleep(1);
        return now;
    }

    // What clients cost: the runtime opens files of its own at any time.
    static string Held()
    {
        var links = Directory.GetFileSystemEntries("/proc/self/fd").Select(f => new FileInfo(f).LinkTarget ?? "").ToList();
        return $"{links.Count(l => l.StartsWith("socket:", StringComparison.Ordinal))} sockets, "
            + $"{links.Count(l => l.Contains("[eventpoll]", StringComparison.Ordinal))} epolls";
    }

    /// <summary>A whole conversation: a short reply, and one that the socket does not take at once.</summary>
    /// <returns>False: the daemon closed the connection.</returns>
    /// <exception cref="SocketException">The daemon neither answers nor closes.</exception>
    bool Converse()
    {
        try
        {
            using var client = Negotiated();
            Ask(client, "query-name");
            Ask(client, "query-qmp-schema");
            return true;
        }
        catch (EndOfStreamException)
        {
            return false;
        }
        catch (SocketException failure) when (failure.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            return false;
        }
    }

    Socket Negotiated()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            ReceiveTimeout = (int)s_patience.TotalMilliseconds,
            SendTimeout = (int)s_patience.TotalMilliseconds,
        };
        try
        {
            client.Connect(new UnixDomainSocketEndPoint(Path));
            ReadLine(client);
            Ask(client, "qmp_capabilities");
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    static void Ask(Socket client, string command)
    {
        client.Send(Encoding.ASCII.GetBytes($$"""{"execute":"{{command}}"}"""));
        Assert.StartsWith("{\"return\": ", ReadLine(client), StringComparison.Ordinal);
    }

    static string ReadLine(Socket client)
    {
        var line = new List<byte>();
        var buffer = new byte[65536];
        while (line.Count == 0 || line[^1] != '\n')
        {
            var received = client.Receive(buffer);
            if (received == 0)
                throw new EndOfStreamException("the daemon closed the connection");
            line.AddRange(buffer.AsSpan(0, received));
        }
        return Encoding.UTF8.GetString([.. line]);
    }

    public void Dispose()
    {
        Faults.Clear();
        Faults.Seen = null;
        _daemon.Dispose();
        _owned.Remove(directories: true);
        Directory.Delete(_folder, recursive: true);
    }
}
