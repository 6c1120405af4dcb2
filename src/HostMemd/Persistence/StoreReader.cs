using HostMemd.Qapi;
using HostMemd.Start;
using HostMemd.Systemd;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Persistence;

/// <summary>
/// Makes again what the process before this one had: sorts the descriptors that it left, merges its journals, restores objects and
/// leases in their order. What cannot be had is logged and put into quarantine; it never stops a start from the store.
/// </summary>
/// <param name="writer">Goes on recording from what is read here.</param>
/// <param name="store">Removes what is obsolete.</param>
/// <param name="restorer">Makes objects and leases.</param>
/// <param name="state">The daemon's state.</param>
/// <param name="logger">Receives what cannot be read or made.</param>
sealed class StoreReader(StateWriter writer, FdStore store, Restorer restorer, StateLock state, ILogger logger)
{
    readonly Dictionary<string, SafeFileHandle> _handles = new(StringComparer.Ordinal);
    readonly StoredJournals _journals = new(logger);
    readonly List<string> _obsolete = [];
    long _lastGeneration, _lastNumber;

    /// <param name="descriptors">What the other process left. Owned from here on; those without a record are closed.</param>
    /// <param name="fromStore">They are in this daemon's store; otherwise a process handed them over.</param>
    /// <exception cref="StartException">Something that a process hands over cannot be had. That process goes on.</exception>
    public async Task ReadAsync(IReadOnlyList<PassedDescriptor> descriptors, bool fromStore)
    {
        foreach (var passed in descriptors)
            Sort(passed);
        var read = _journals.Merge(_obsolete);
        await RestoreAsync(read.Objects, fromStore).ConfigureAwait(false);
        Restore(read.Leases);
        CloseUnused(read);
        writer.Continue(fromStore ? _journals.InForce : null, _lastGeneration, _lastNumber);
        if (fromStore)
        {
            foreach (var name in _obsolete)
                store.Remove(name);
            return;
        }
        _journals.InForce?.Dispose();
        // The process that hands over still has everything. When it is gone, what is missing here is lost.
        if (_journals.IsDamaged)
            throw new StartException("the running daemon's state is not readable by this version");
        if (restorer.FirstFailure is { } failure)
            throw new StartException($"cannot be taken over: {failure}");
    }

    void Sort(PassedDescriptor passed)
    {
        if (DescriptorNames.MemoryNumber(passed.Name) is { } number && _handles.TryAdd(passed.Name, passed.Handle))
            _lastNumber = Math.Max(_lastNumber, number);
        else if (DescriptorNames.IsProcess(passed.Name) && _handles.TryAdd(passed.Name, passed.Handle))
            return;
        else if (DescriptorNames.JournalGeneration(passed.Name) is { } generation)
        {
            _lastGeneration = Math.Max(_lastGeneration, generation);
            _journals.Add(passed);
        }
        else
        {
            // It belongs to a probe that was cut short, or to another program.
            passed.Handle.Dispose();
        }
    }

    async Task RestoreAsync(IEnumerable<ObjectRecord> objects, bool fromStore)
    {
        foreach (var record in objects)
        {
            SafeFileHandle? memory = null;
            if (record.Store is not null)
                _handles.Remove(record.Store, out memory);
            // A later start may be able to make what cannot be made now, so the record stays, and so does the descriptor.
            var made = await restorer.TryMakeAsync(record, memory).ConfigureAwait(false);
            if (!made && record is { Store: null, File: null })
                continue;
            using (state.Enter())
                writer.Continue(record, isStored: made && fromStore);
        }
    }

    void Restore(IEnumerable<LeaseRecord> leases)
    {
        foreach (var lease in leases)
        {
            using (state.Enter())
            {
                if (restorer.TryLend(lease, lease.Process is null ? null : _handles.GetValueOrDefault(lease.Process)))
                    writer.Continue(lease);
            }
        }
    }

    // What no record names is obsolete, unless a record that this version cannot read may name it.
    void CloseUnused(StoredState read)
    {
        var quarantined = new List<string>(_journals.Unreadable);
        foreach (var (name, handle) in _handles)
        {
            handle.Dispose();
            (_journals.IsDamaged || read.Quarantined.Contains(name) ? quarantined : _obsolete).Add(name);
        }
        using (state.Enter())
            quarantined.ForEach(writer.Quarantine);
        if (quarantined.Count > 0)
            Log.KeptAside(logger, quarantined.Count);
    }
}
