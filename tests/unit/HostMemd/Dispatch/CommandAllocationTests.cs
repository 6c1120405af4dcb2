using System.Buffers;
using System.Text;
using HostMemd.Config;
using HostMemd.Dispatch;
using HostMemd.Protocol.Qmp;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi.Json;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.HostMemd.Dispatch;

/// <summary>What a command costs the collector: the way from bytes to bytes, without a socket.</summary>
public sealed class CommandAllocationTests
{
    const int Commands = 2000;

    [Theory]
    [InlineData("""{"execute":"qom-get","arguments":{"path":"/objects/m0","property":"size"}}""")]
    [InlineData("""{"execute":"qom-get","arguments":{"path":"/objects/t0","property":"type"},"id":7}""")]
    [InlineData("""{"execute":"qom-set","arguments":{"path":"/objects/m0","property":"prealloc-threads","value":2}}""")]
    public async Task Command_InASteadyStream_AllocatesNothing(string command)
    {
        var perCommand = await MeasureAsync(command);

        Assert.True(perCommand < 1, $"{perCommand:F1} bytes are allocated for each command");
    }

    /// <summary>The reply of query-version is built anew, and is all that is allocated: some objects of two or three members.</summary>
    [Fact]
    public async Task QueryVersion_AllocatesItsReplyOnly()
    {
        var perCommand = await MeasureAsync("""{"execute":"query-version"}""");

        Assert.True(perCommand < 1024, $"{perCommand:F1} bytes are allocated for each command");
    }

    static async Task<double> MeasureAsync(string command)
    {
        var daemon = new Daemon(new HostMemdOptions(), NullLoggerFactory.Instance);
        var dispatcher = new Dispatcher(daemon.Commands, daemon.State, new ChangeGate(), NullLogger.Instance, NullLogger.Instance);
        var output = new Output(pretty: false, long.MaxValue);
        var session = new Session(output, PeerCredentials.Unknown, dispatcher.RunAsync, new WireLimits());
        var reader = new JsonReader(new JsonLimits());
        await SendAsync("""{"execute":"qmp_capabilities"}""");
        await SendAsync("""{"execute":"object-add","arguments":{"qom-type":"memory-backend-ram","id":"m0","size":4096}}""");
        await SendAsync("""{"execute":"object-add","arguments":{"qom-type":"thread-context","id":"t0"}}""");
        var bytes = Encoding.UTF8.GetBytes(command);
        // Caches fill, and code is compiled, before it counts.
        await RunAsync(bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        await RunAsync(bytes);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.DoesNotContain("error", LastReply(), StringComparison.Ordinal);
        await SendAsync("""{"execute":"object-del","arguments":{"id":"t0"}}""");
        await SendAsync("""{"execute":"object-del","arguments":{"id":"m0"}}""");
        return (double)allocated / Commands;

        async Task SendAsync(string text)
        {
            var buffer = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text));
            Assert.True(reader.TryRead(ref buffer, out var message));
            await session.ReceiveAsync(message);
            Drain();
        }

        // No await in the loop: it must stay on this thread, whose allocations are counted.
        ValueTask RunAsync(byte[] text)
        {
            for (var i = 0; i < Commands; i++)
            {
                var buffer = new ReadOnlySequence<byte>(text);
                reader.TryRead(ref buffer, out var message);
                var done = session.ReceiveAsync(message);
                Assert.True(done.IsCompletedSuccessfully);
                JsonReader.Recycle(message.Value);
                Drain();
            }
            return default;
        }

        void Drain()
        {
            output.Flush();
            if (output.Reader.TryRead(out var read))
                output.Reader.AdvanceTo(read.Buffer.End);
        }

        string LastReply()
        {
            var buffer = new ReadOnlySequence<byte>(bytes);
            reader.TryRead(ref buffer, out var message);
            Assert.True(session.ReceiveAsync(message).IsCompletedSuccessfully);
            output.Flush();
            output.Reader.TryRead(out var read);
            var text = Encoding.UTF8.GetString(read.Buffer);
            output.Reader.AdvanceTo(read.Buffer.End);
            return text;
        }
    }
}
