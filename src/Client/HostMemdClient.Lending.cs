using HostMemd.Client.Wire;
using HostMemd.Qapi;

namespace HostMemd.Client;

// Access to the memory.
public sealed partial class HostMemdClient
{
    /// <summary>Borrows memory and maps it into this process. Disposing of the mapping returns it.</summary>
    /// <param name="id">The backend.</param>
    /// <param name="readOnly">Ask for a descriptor that cannot be mapped writable.</param>
    /// <param name="name">Free text, for <see cref="QueryMappingsAsync"/>.</param>
    /// <param name="cancellation">Ends the wait. Memory that still arrives is returned.</param>
    /// <exception cref="QmpException">There is no such memory, or no other process can share it.</exception>
    /// <exception cref="IOException">The connection is lost, or the kernel cannot map the memory here.</exception>
    public async Task<MappedMemdev> MapAsync(string id, bool readOnly = false, string? name = null, CancellationToken cancellation = default)
    {
        var loan = await BorrowAsync(id, null, readOnly, name, cancellation).ConfigureAwait(false);
        try
        {
            return MappedMemdev.Map(loan);
        }
        catch
        {
            await loan.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Borrows memory for a process and returns its descriptor, to map here or to pass on.</summary>
    /// <param name="id">The backend.</param>
    /// <param name="pid">The borrower: the loan ends with that process. Null for this process.</param>
    /// <param name="readOnly">Ask for a descriptor that cannot be mapped writable.</param>
    /// <param name="name">Free text, for <see cref="QueryMappingsAsync"/>.</param>
    /// <param name="cancellation">Ends the wait. Memory that still arrives is returned.</param>
    /// <inheritdoc cref="MapAsync" path="/exception"/>
    public async Task<MemdevLoan> BorrowAsync(
        string id, int? pid = null, bool readOnly = false, string? name = null, CancellationToken cancellation = default)
    {
        var arguments = With(CommandRows.Id, id);
        if (pid is { } other)
            CommandRows.Pid.AddTo(arguments, other);
        if (readOnly)
            CommandRows.ReadOnly.AddTo(arguments, true);
        if (name is not null)
            CommandRows.Name.AddTo(arguments, name);
        var reply = await _connection.CallAsync(CommandRows.Map.Name, arguments, outOfBand: false, takesDescriptor: true,
            unwanted: late => GiveBack(CommandRows.Map.Read(late.Value).Mapping), cancellation).ConfigureAwait(false);
        var lent = CommandRows.Map.Read(reply.Value);
        if (reply.Descriptor is { } descriptor)
            return new(this, lent, descriptor);
        await GiveBack(lent.Mapping).ConfigureAwait(false);
        throw new IOException("the descriptor was lost: this process has none free");
    }

    /// <summary>Ends a loan by its name, <see cref="MemdevMapping.Mapping"/>. Disposing of a mapping does the same.</summary>
    public Task UnmapAsync(string mapping, CancellationToken cancellation = default) =>
        CallAsync(CommandRows.Unmap, With(CommandRows.Mapping, mapping), cancellation);

    internal Task<Reply> GiveBack(string mapping) => _connection.Post(CommandRows.Unmap.Name, With(CommandRows.Mapping, mapping));
}
