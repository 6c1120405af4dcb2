using System.Globalization;
using System.Net.Sockets;
using System.Text;
using HostMemd.Protocol.Qmp;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Takeover;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Protocol.Qmp;

/// <summary>A connection over a real socket.</summary>
public sealed class ConnectionTests : IDisposable
{
    const int Writers = 3, Messages = 4000;

    // More than goes the short way: the socket is full.
    const int Behind = 8 << 10;

    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    readonly Socket _client;
    readonly SafeFileHandle _server;

    public ConnectionTests() => (_client, _server) = SocketPair.Create();

    public void Dispose() => _client.Dispose();

    // Of every length, so that some fit the short way and some do not; the socket takes about 200 KiB.
    static Value Message(int writer, int number) =>
        Value.Object(("writer", Value.From((long)writer)), ("number", Value.From((long)number)), ("text", Value.From(new string('x', number * 7919 % 6000))));

    [Fact]
    public async Task MessagesOfManyThreads_ArriveWhole_AndEachThreadsInOrder_HoweverTheClientReads()
    {
        var output = new Output(pretty: false, long.MaxValue) { Socket = _server };
        var session = new Session(output, new PeerCredentials(Environment.ProcessId, 0, 0), _ => new(Value.Empty), new WireLimits());
        var connection = new Connection(_server, session, output, new WireLimits(), (_, _) => { });
        var serving = connection.RunAsync(CancellationToken.None);

        var writing = Enumerable.Range(0, Writers).Select(writer => Task.Factory.StartNew(() =>
        {
            for (var i = 0; i < Messages; i++)
            {
                output.Send(Message(writer, i));
                if (i % 3 != 0 || i == Messages - 1)
                    output.Flush();
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();

        using var lines = new StreamReader(new NetworkStream(_client));
        var next = new int[Writers];
        for (var i = 0; i < Writers * Messages; i++)
        {
            // Now and then not before the socket is full, and otherwise often soon enough for it to be empty.
            if (i % 500 == 0)
                Assert.True(SpinWait.SpinUntil(() => output.Pending > Behind || writing.All(w => w.IsCompleted), s_patience));
            var line = await lines.ReadLineAsync();
            var words = line!.Split('"', ':', ',', '}');
            var writer = int.Parse(words[Array.IndexOf(words, "writer") + 2], CultureInfo.InvariantCulture);
            var number = next[writer]++;
            Assert.Equal(Said(Message(writer, number)), line);
        }

        await Task.WhenAll(writing);
        _client.Shutdown(SocketShutdown.Both);
        await serving;
        Assert.Equal(0, output.Pending);
    }

    static string Said(Value message)
    {
        var alone = new Output(pretty: false, long.MaxValue);
        alone.Send(message);
        alone.Flush();
        Assert.True(alone.Reader.TryRead(out var read));
        return Encoding.ASCII.GetString(read.Buffer).TrimEnd();
    }
}
