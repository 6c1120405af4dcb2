using System.Buffers;
using System.IO.Pipelines;

namespace HostMemd.Protocol.Wire;

/// <summary>
/// Where replies are written, and how many bytes they were. The short way is a buffer lent from the thread's pool, for the socket to take at
/// once; the long way is the pipe, whose reader waits for a client that does not read. One thread at a time.
/// </summary>
/// <remarks>
/// The pipe alone would do. Of 1,000 clients each has its own, though, not in the CPU's cache when its turn comes: 71,000 answers a second on
/// one CPU instead of 79,000, and 121,000 on two instead of 154,000 (bench/load in turns, 2026-11-22).
/// </remarks>
sealed class ReplyWriter(PipeWriter pipe) : IBufferWriter<byte>
{
    const int Size = 4 << 10;
    const int MostAtOnce = 64 << 10;

    byte[]? _buffer;
    int _used;
    bool _isShortWay;
    // Of the pipe: what it has been given in one go, and what is left of its last piece.
    int _given, _room;
    long _written;

    /// <summary>Bytes written so far, on either way. Any thread.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>What is to be given to the socket, on the short way; empty on the long one.</summary>
    public ReadOnlySpan<byte> Lent => _buffer.AsSpan(0, _used);

    /// <summary>From now on, until too much is written: nothing may be left in the pipe.</summary>
    public void TakeShortWay()
    {
        _isShortWay = true;
        _given = _room = 0;
    }

    /// <summary>What is lent, but for the first <paramref name="sent"/> bytes, and all that follows goes through the pipe.</summary>
    public void TakeLongWay(int sent = 0)
    {
        _isShortWay = false;
        if (_used > sent)
            pipe.Write(_buffer.AsSpan(sent, _used - sent));
        GiveBack();
    }

    /// <summary>All that was lent has been sent.</summary>
    public void GiveBack()
    {
        if (_buffer is not null)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
        _used = 0;
    }

    public void Advance(int count)
    {
        if (_isShortWay)
            _used += count;
        else
            AdvancePipe(count);
        Volatile.Write(ref _written, _written + count);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_isShortWay && _used + Math.Max(sizeHint, 1) > Size)
            TakeLongWay();
        return _isShortWay ? (_buffer ??= ArrayPool<byte>.Shared.Rent(Size)).AsMemory(_used) : OfPipe(sizeHint);
    }

    // The socket is given a piece at a time, so they grow with what has been written: of 3.5 MB the last byte comes 2 ms after the first
    // instead of 4 (bench/run.sh scale, 2026-11-22).
    Memory<byte> OfPipe(int sizeHint)
    {
        if (_room < Math.Max(sizeHint, 1))
            sizeHint = Math.Max(sizeHint, _given);
        var memory = pipe.GetMemory(sizeHint);
        _room = memory.Length;
        return memory;
    }

    void AdvancePipe(int count)
    {
        pipe.Advance(count);
        _room -= count;
        _given = Math.Min(_given + count, MostAtOnce);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Raw(ReadOnlySpan<byte> bytes) => this.Write(bytes);
}
