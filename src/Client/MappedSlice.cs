using System.Buffers;

namespace HostMemd.Client;

/// <summary>A slice of mapped memory for asynchronous code. While it is pinned the memory stays mapped.</summary>
sealed unsafe class MappedSlice(MappedMemdev owner, long offset, int length, bool isReadOnly) : MemoryManager<byte>
{
    // A ReadOnlyMemory gives no access to write to the span.
    public override Span<byte> GetSpan() => isReadOnly ? new(owner.At(offset, length), length) : owner.GetSpan(offset, length);

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        var added = false;
        owner.DangerousAddRef(ref added);
        try
        {
            return new(owner.At(offset + elementIndex, length - elementIndex), pinnable: this);
        }
        catch
        {
            owner.DangerousRelease();
            throw;
        }
    }

    public override void Unpin() => owner.DangerousRelease();

    // The mapping owns the memory.
    protected override void Dispose(bool disposing) { }
}
