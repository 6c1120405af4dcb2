using HostMemd.Linux;
using HostMemd.Protocol.Wire;
using HostMemd.Takeover;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Protocol.Wire;

/// <summary>Waiting for real sockets, on the real thread.</summary>
public sealed class ReadinessTests : IDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    readonly System.Net.Sockets.Socket _reader;
    readonly SafeFileHandle _writer;
    readonly Readiness _readable;

    public ReadinessTests()
    {
        (_reader, _writer) = SocketPair.Create();
        _readable = Readiness.ToRead(_reader.SafeHandle);
    }

    public void Dispose()
    {
        _readable.Dispose();
        _writer.Dispose();
        _reader.Dispose();
    }

    // As the kernel has it: epoll(7), fdinfo of proc(5).
    bool IsWatched => File.ReadLines($"/proc/self/fdinfo/{Poller.Reading.Descriptor}")
        .Any(line => line.StartsWith("tfd:", StringComparison.Ordinal) && line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1] == $"{_readable.Descriptor}");

    static async Task Await(Readiness readiness) => await readiness;

    const int Nothing = -1;

    int Read(Span<byte> bytes)
    {
        var errno = FdPassing.Receive(_reader.SafeHandle, bytes, new ReceivedDescriptors().Add, out var received);
        Assert.True(errno.Ok || errno == Errno.EAGAIN, errno.ToString());
        return errno.Ok ? received : Nothing;
    }

    void Write(int count)
    {
        Assert.Equal(Errno.None, FdPassing.Send(_writer, new byte[count], null, out var sent));
        Assert.Equal(count, sent);
    }

    [Fact]
    public async Task GoesOn_WhenThereIsSomethingToRead()
    {
        var waiting = Await(_readable);
        Assert.False(waiting.IsCompleted);

        Write(1);

        await waiting.WaitAsync(s_patience);
    }

    [Fact]
    public async Task GoesOn_AtTheEndOfTheOtherSide()
    {
        var waiting = Await(_readable);

        _writer.Dispose();

        await waiting.WaitAsync(s_patience);
        Assert.Equal(0, Read(new byte[1]));
    }

    [Fact]
    public async Task GoesOn_WhenToldTo()
    {
        var waiting = Await(_readable);

        _readable.Signal();

        await waiting.WaitAsync(s_patience);
        Assert.Equal(Nothing, Read(new byte[1]));
    }

    [Fact]
    public async Task WhatCameWhileNobodyWaited_IsFound()
    {
        var waiting = Await(_readable);
        Write(1);
        await waiting.WaitAsync(s_patience);
        // Nobody waits now, and the kernel goes on telling until it is not asked any more.
        Write(1);
        Assert.True(SpinWait.SpinUntil(() => !IsWatched, s_patience));

        await Await(_readable).WaitAsync(s_patience);
        Assert.Equal(2, Read(new byte[3]));
    }

    [Fact]
    public async Task NoByteIsWaitedForInVain()
    {
        const int Bytes = 50_000;
        var random = new Random(1);
        var writing = Task.Run(() =>
        {
            for (var i = 0; i < Bytes; i++)
            {
                while (FdPassing.Send(_writer, [0], null, out _).Failed)
                    Thread.Yield();
                if (i % 16 == 0)
                    Thread.SpinWait(random.Next(2000));
            }
        });
        var buffer = new byte[7];
        for (var read = 0; read < Bytes;)
        {
            var now = Read(buffer);
            if (now > 0)
                read += now;
            else
                await Await(_readable).WaitAsync(s_patience);
            // Sometimes away from the thread that told, so that it tells while nobody waits.
            if (read % 64 == 0)
                await Task.Yield();
        }
        await writing;
    }

    [Fact]
    public async Task ToWrite_GoesOn_WhenThereIsRoom()
    {
        using var writable = Readiness.ToWrite(_writer);
        var filled = 0L;
        while (FdPassing.Send(_writer, new byte[4096], null, out var sent).Ok)
            filled += sent;
        var waiting = Await(writable);
        Assert.False(waiting.IsCompleted);

        while (filled > 0 && Read(new byte[4096]) is > 0 and var read)
            filled -= read;

        await waiting.WaitAsync(s_patience);
        Write(1);
    }

    [Fact]
    public async Task NumberThatIsUsedAgain_IsTheNextOnes()
    {
        for (var i = 0; i < 1000; i++)
        {
            var (ours, theirs) = SocketPair.Create();
            using var readable = Readiness.ToRead(ours.SafeHandle);
            var waiting = Await(readable);
            Assert.Equal(Errno.None, FdPassing.Send(theirs, [0], null, out _));
            await waiting.WaitAsync(s_patience);
            // Closed while the kernel still tells of what nobody has read.
            readable.Dispose();
            ours.Dispose();
            theirs.Dispose();
        }
    }
}
