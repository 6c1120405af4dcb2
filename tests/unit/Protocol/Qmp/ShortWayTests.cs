using System.Buffers;
using System.Net.Sockets;
using System.Text;
using HostMemd.Protocol.Qmp;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Takeover;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Protocol.Qmp;

/// <summary>What goes to the socket at once, and what must wait for its turn in the pipe. The tests are the one who reads the pipe.</summary>
public sealed class ShortWayTests : IDisposable
{
    readonly Socket _client;
    readonly SafeFileHandle _server;
    readonly Output _output;

    public ShortWayTests()
    {
        (_client, _server) = SocketPair.Create();
        _client.Blocking = false;
        _output = new Output(pretty: false, limit: long.MaxValue) { Socket = _server };
    }

    public void Dispose()
    {
        _output.DropDescriptors();
        _client.Dispose();
        _server.Dispose();
    }

    void Say(long number) => _output.Return(Value.From(number), null);

    static string Said(params IEnumerable<long> numbers) => string.Concat(numbers.Select(n => $"{{\"return\": {n}}}\r\n"));

    string FromSocket()
    {
        var text = new StringBuilder();
        var buffer = new byte[1 << 16];
        while (_client.Receive(buffer, SocketFlags.None, out var error) is > 0 and var count && error == SocketError.Success)
            text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        return text.ToString();
    }

    /// <summary>As if it had been sent.</summary>
    string FromPipe()
    {
        if (!_output.Reader.TryRead(out var read))
            return "";
        _output.Sent(read.Buffer.Length);
        var text = Encoding.ASCII.GetString(read.Buffer);
        _output.Reader.AdvanceTo(read.Buffer.End);
        return text;
    }

    [Fact]
    public void Replies_AreSentTogether_ByWhoeverFlushes()
    {
        Say(1);
        Say(2);
        Assert.Equal("", FromSocket());

        _output.Flush();

        Assert.Equal((Said(1, 2), ""), (FromSocket(), FromPipe()));
        Assert.Equal(0, _output.Pending);
    }

    [Fact]
    public void WhatTheSocketDoesNotTake_AndAllBehindIt_GoThroughThePipe()
    {
        var count = 0L;
        do
        {
            Say(count++);
            _output.Flush();
        }
        while (_output.Pending == 0);
        // There is room again, and yet nothing may overtake what is in the pipe.
        var first = FromSocket();
        Say(count++);
        _output.Flush();
        Assert.Equal("", FromSocket());
        var second = FromPipe();
        Say(count++);
        _output.Flush();

        Assert.Equal(Said(Enumerable.Range(0, (int)count).Select(n => (long)n)), first + second + FromSocket());
        Assert.Equal("", FromPipe());
    }

    [Fact]
    public void OfWhatTheSocketTakesInPart_TheRestGoesThroughThePipe()
    {
        // The kernel's least, 4,608 bytes, of which a piece has at most half: a longer message is two, and for the second there is no room.
        using var handle = new SafeSocketHandle(_server.DangerousGetHandle(), ownsHandle: false);
        using var socket = new Socket(handle);
        socket.SendBufferSize = 1;
        var text = new string('x', 3500);

        Say(1);
        _output.Flush();
        _output.Return(Value.From(text), null);
        _output.Flush();

        var taken = FromSocket();
        Assert.InRange(taken.Length, Said(1).Length + 1, 3500);
        Assert.Equal($"{Said(1)}{{\"return\": \"{text}\"}}\r\n", taken + FromPipe());
    }

    [Theory]
    [InlineData(4000)]
    [InlineData(5000)]
    [InlineData(100_000)]
    public void LongReply_FollowsTheShortOneBeforeIt(int length)
    {
        var text = new string('x', length);

        Say(1);
        _output.Return(Value.From(text), null);
        Say(2);
        _output.Flush();

        Assert.Equal($"{Said(1)}{{\"return\": \"{text}\"}}\r\n{Said(2)}", FromSocket() + FromPipe());
        Assert.Equal(0, _output.Pending);
    }

    [Fact]
    public void DescriptorIsNotOvertaken_AndTheReplyThatHasItComesWithIt()
    {
        Say(1);
        _output.Return(Value.From(2L), null, File.OpenHandle("/dev/null"));
        Say(3);
        _output.Flush();

        Assert.Equal("", FromSocket());
        Assert.Null(_output.NextDescriptor(out var before));
        Assert.Equal(Said(1).Length, before);
        Assert.Equal(Said(1, 2, 3), FromPipe());
    }

    [Fact]
    public void NothingIsLost_WhenThereIsNobody()
    {
        _client.Dispose();

        Say(1);
        _output.Flush();

        Assert.Equal(Said(1), FromPipe());
    }

    [Fact]
    public void WhatWasNotFlushed_IsThereAtTheEnd()
    {
        Say(1);

        _output.Complete();

        Assert.Equal(("", Said(1)), (FromSocket(), FromPipe()));
    }
}
