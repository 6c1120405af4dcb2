using System.Runtime.InteropServices;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Client;

/// <summary>
/// The daemon's memory in this address space. Memory may be larger than a span, so it is accessed in slices. Disposing of it unmaps the
/// memory, closes the descriptor and ends the loan, in this order. Spans of it must not be used afterwards.
/// </summary>
public sealed class MappedMemdev : SafeHandle, IAsyncDisposable
{
    readonly MemdevLoan _loan;

    MappedMemdev(MemdevLoan loan)
        : base(-1, ownsHandle: true)
    {
        _loan = loan;
        Length = checked((long)loan.Info.Size);
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == -1;

    /// <summary>The daemon's reply when it lent the memory.</summary>
    public MemdevMapped Info => _loan.Info;

    /// <summary>The length in bytes.</summary>
    public long Length { get; }

    /// <summary>The memory cannot be written: a write would end the process.</summary>
    public bool IsReadOnly => Info.ReadOnly;

    /// <summary>The memory's file, to pass on to another process.</summary>
    public SafeFileHandle Descriptor => _loan.Descriptor;

    internal static MappedMemdev Map(MemdevLoan loan)
    {
        // The object is made first: an OutOfMemoryException after mmap would lose the mapping.
        var made = new MappedMemdev(loan);
        var protection = loan.Info.ReadOnly ? Mman.PROT_READ : Mman.PROT_READ | Mman.PROT_WRITE;
        var errno = Mman.Map(0, (ulong)made.Length, protection, Mman.MAP_SHARED, loan.Descriptor, loan.Info.Offset, out var address);
        if (errno.Failed)
        {
            GC.SuppressFinalize(made);
            throw new IOException($"cannot map the memory of '{loan.Info.Id}': {errno.Text}");
        }
        made.SetHandle(address);
        return made;
    }

    /// <summary>Bytes to read and write.</summary>
    /// <param name="offset">The offset of the first byte.</param>
    /// <param name="length">The number of bytes.</param>
    /// <exception cref="InvalidOperationException">The memory is read-only.</exception>
    public unsafe Span<byte> GetSpan(long offset, int length) =>
        IsReadOnly ? throw new InvalidOperationException("the memory was lent read-only") : new(At(offset, length), length);

    /// <summary>Bytes to read.</summary>
    /// <param name="offset">The offset of the first byte.</param>
    /// <param name="length">The number of bytes.</param>
    public unsafe ReadOnlySpan<byte> GetReadOnlySpan(long offset, int length) => new(At(offset, length), length);

    /// <summary>The same bytes for asynchronous code, such as writing them to a socket or a file.</summary>
    /// <param name="offset">The offset of the first byte.</param>
    /// <param name="length">The number of bytes.</param>
    public Memory<byte> GetMemory(long offset, int length)
    {
        GetSpan(offset, length);
        return new MappedSlice(this, offset, length, isReadOnly: false).Memory;
    }

    /// <inheritdoc cref="GetMemory"/>
    public unsafe ReadOnlyMemory<byte> GetReadOnlyMemory(long offset, int length)
    {
        At(offset, length);
        return new MappedSlice(this, offset, length, isReadOnly: true).Memory;
    }

    internal unsafe byte* At(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
        return (byte*)handle + offset;
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        // Unmapped before the loan ends, because the daemon may delete the memory at once.
        var unmapped = Mman.Unmap(handle, (ulong)Length).Ok;
        _loan.Dispose();
        return unmapped;
    }

    /// <summary>As Dispose, and waits until the daemon has ended the loan. The memory can be deleted then.</summary>
    public async ValueTask DisposeAsync()
    {
        Dispose();
        // Memory that is still pinned is unmapped when the last pin is released.
        if (_loan.Descriptor.IsClosed)
            await _loan.DisposeAsync().ConfigureAwait(false);
    }
}
