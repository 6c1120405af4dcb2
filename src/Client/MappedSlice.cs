using System.Buffers;

namespace HostMemd.Client;

/// <summary>A slice of mapped memory that may wait in asynchronous code. While it is pinned the memory stays mapped.</summary>
sealed unsafe class MappedSlice(MappedMemdev owner, long offset, int length, bool isReadOnly) : MemoryManager<byte>
{
    // Behind a ReadOnlyMemory nobody can write to the span.
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

    // The memory is the owner's.
    protected override void Dispose(bool disposing) { }
}
