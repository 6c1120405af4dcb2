using System.Buffers;

namespace HostMemd.Protocol.Wire;

/// <summary>Counts what is written: a pipe does not say how much it holds.</summary>
sealed class CountingWriter(IBufferWriter<byte> inner) : IBufferWriter<byte>
{
    public long Count { get; private set; }

    public void Advance(int count)
    {
        inner.Advance(count);
        Count += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);
    public Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    public void Raw(ReadOnlySpan<byte> bytes) => this.Write(bytes);
}
