using System.Runtime.InteropServices;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Client;

/// <summary>
/// The daemon's memory in this address space. Memory may be larger than a span: it is looked at in slices. Disposing of it unmaps,
/// closes the descriptor and tells the daemon, in this order; spans taken before must not be used after.
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

    /// <summary>What the daemon said when it lent the memory.</summary>
    public MemdevMapped Info => _loan.Info;

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>Writing is not possible: the processor would refuse.</summary>
    public bool IsReadOnly => Info.ReadOnly;

    /// <summary>The memory's file, to be handed on.</summary>
    public SafeFileHandle Descriptor => _loan.Descriptor;

    internal static MappedMemdev Map(MemdevLoan loan)
    {
        // The object comes first: a managed out-of-memory after mmap would lose the mapping.
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
    /// <param name="offset">Where they begin.</param>
    /// <param name="length">How many.</param>
    /// <exception cref="InvalidOperationException">The memory is read-only.</exception>
    public unsafe Span<byte> GetSpan(long offset, int length) =>
        IsReadOnly ? throw new InvalidOperationException("the memory was lent read-only") : new(At(offset, length), length);

    /// <summary>Bytes to read.</summary>
    /// <param name="offset">Where they begin.</param>
    /// <param name="length">How many.</param>
    public unsafe ReadOnlySpan<byte> GetReadOnlySpan(long offset, int length) => new(At(offset, length), length);

    /// <summary>The same for asynchronous code: to be given to a socket or a file, for instance.</summary>
    /// <param name="offset">Where the bytes begin.</param>
    /// <param name="length">How many.</param>
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
        // Unmapped before the daemon hears of it: it may delete the memory at once.
        var unmapped = Mman.Unmap(handle, (ulong)Length).Ok;
        _loan.Dispose();
        return unmapped;
    }

    /// <summary>As Dispose, and waits until the daemon has heard it: the memory can be deleted then.</summary>
    public async ValueTask DisposeAsync()
    {
        Dispose();
        // Memory that is still pinned somewhere is unmapped when it no longer is.
        if (_loan.Descriptor.IsClosed)
            await _loan.DisposeAsync().ConfigureAwait(false);
    }
}
