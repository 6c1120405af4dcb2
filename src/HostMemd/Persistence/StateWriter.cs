using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Qom;
using HostMemd.Backend.Threads;
using HostMemd.Linux;
using HostMemd.Qapi;
using HostMemd.Systemd;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Persistence;

/// <summary>
/// Records every change in a journal. Memory goes to systemd's descriptor store before its object is visible; the journal beside it
/// says which object each descriptor belongs to. A descriptor without a line is half made or half deleted, and is removed.
/// </summary>
/// <remarks>
/// Order is what makes a crash at any instant harmless. Made: descriptor stored, barrier, line written, reply. Deleted: memory
/// released, line written, descriptor removed, barrier, reply. Without a store nothing is written: a takeover reads the objects themselves.
/// </remarks>
sealed class StateWriter
{
    // A journal is rewritten when most of it is history. A small one is not worth it.
    const ulong RewriteFrom = 256 << 10;

    readonly FdStore _store;
    readonly StateLock _state;
    readonly ILogger _logger;
    readonly QomTree _tree;
    readonly StoredState _stored = new();
    // The name in the store of each object's memory, by the object's id.
    readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    // The journal in force, which is in the store, and the one that is to follow it. Lines go to both until the second is in the store.
    Journal? _journal, _next;
    ulong _rewriteAt = RewriteFrom;
    long _lastGeneration, _lastNumber;
    bool _hasBegun;

    public StateWriter(ObjectRegistry objects, QomTree tree, LeaseTable leases, FdStore store, StateLock state, ILogger logger)
    {
        _store = store;
        _tree = tree;
        _state = state;
        _logger = logger;
        objects.BeforeVisible = made => store.IsEnabled ? InBackground(() => Store(made)) : default;
        objects.AfterRemoved = RemoveAsync;
        objects.Added += Write;
        tree.Changed += Write;
        leases.IsRecorded = () => store.IsEnabled;
        leases.Given += Write;
        leases.Ended += (lease, _) => WriteEnd(lease);
    }

    /// <summary>A descriptor store keeps the memory beyond this process: releasing an object must discard nothing.</summary>
    public bool IsEnabled => _store.IsEnabled;

    /// <summary>The number of entries that another process left and this one cannot use.</summary>
    public int Quarantined
    {
        get
        {
            using (_state.Enter())
                return _stored.Quarantined.Count + _stored.Objects.Count(o => _tree.Objects.FindChild(o.Options.Id) is null);
        }
    }

    /// <summary>The descriptor through which another process can have this memory; null if it has a path, or is private.</summary>
    public static SafeFileHandle? StoreOf(QomObject made) =>
        (made as HostMemoryBackend)?.StoreToKeep;

    /// <summary>Keeps a record that was read, as it is. Called with the state held.</summary>
    /// <param name="isStored">The object exists, and its memory is in this daemon's store under the name in the record.</param>
    public void Continue(ObjectRecord record, bool isStored)
    {
        _state.AssertHeld();
        _stored.Put(record);
        if (isStored && record.Store is not null)
            _names[record.Options.Id] = record.Store;
    }

    /// <summary>Keeps a record that was read, as it is. Called with the state held.</summary>
    public void Continue(LeaseRecord lease)
    {
        _state.AssertHeld();
        _stored.Put(lease);
    }

    /// <summary>Keeps a descriptor untouched for another version. Called with the state held.</summary>
    public void Quarantine(string name)
    {
        _state.AssertHeld();
        _stored.Quarantine(name);
    }

    /// <summary>Goes on where the process before stopped.</summary>
    /// <param name="journal">The journal in force in this daemon's store, if there is one; owned from here on.</param>
    /// <param name="lastGeneration">The highest generation of a journal in use.</param>
    /// <param name="lastNumber">The highest number in a name of memory in use.</param>
    public void Continue(Journal? journal, long lastGeneration, long lastNumber) =>
        (_journal, _lastGeneration, _lastNumber) = (journal, lastGeneration, lastNumber);

    /// <summary>
    /// Starts recording. When this returns, all that exists is safe, and every change from here on is recorded. Called before clients
    /// are served. Blocks.
    /// </summary>
    public void Begin()
    {
        if (!_store.IsEnabled)
            return;
        if (_store.HasRoom() is false)
        {
            Log.StoreFull(_logger);
            // The store must hear of the end of what it holds. A store that holds nothing and takes nothing is none.
            _store.IsOff = _journal is null;
            if (_store.IsOff)
                return;
        }
        // Memory that a process handed over, and not a store, is in no store yet.
        QomObject[] made;
        using (_state.Enter())
            made = [.. _tree.Objects.Children.Where(c => !_names.ContainsKey(c.Name))];
        foreach (var one in made)
            Store(one);
        Journal? next;
        using (_state.Enter())
        {
            foreach (var one in made)
                _stored.Put(RecordOf(one));
            next = BeginRewrite();
            _hasBegun = true;
        }
        if (next is not null)
            FinishRewrite(next);
    }

    /// <summary>Empties the store, after the objects were deleted for good.</summary>
    public void Clear()
    {
        if (!_store.IsEnabled)
            return;
        foreach (var record in _stored.Objects.ToArray())
        {
            if (record.Store is not null)
                _store.Remove(record.Store);
        }
        foreach (var name in _stored.Quarantined)
            _store.Remove(name);
        foreach (var journal in (Journal?[])[_journal, _next])
        {
            if (journal is not null)
                _store.Remove(DescriptorNames.Journal(journal.Generation));
        }
        _store.Barrier();
    }

    // Datagrams to the store and its barrier block, and must not do so on a client's own thread.
    static ValueTask InBackground(Action work) => new(OwnThread.RunAsync(work));

    ObjectRecord RecordOf(QomObject made) => ObjectRecord.Of(made, _names.GetValueOrDefault(made.Name));

    void Store(QomObject made)
    {
        if (StoreOf(made) is not { } file)
            return;
        string name;
        using (_state.Enter())
        {
            // Without a journal no process would know which object the descriptor belongs to, so a failed one is tried again.
            if (_hasBegun && _journal is null && _next is null)
                Rewrite();
            name = DescriptorNames.Memory(++_lastNumber);
        }
        if (_store.Put(name, file))
        {
            using (_state.Enter())
                _names[made.Name] = name;
            return;
        }
        Log.NotStored(_logger, made.Name);
        _store.Remove(name);
    }

    ValueTask RemoveAsync(QomObject gone)
    {
        string? name;
        using (_state.Enter())
        {
            WriteDeletion(gone.Name);
            _names.Remove(gone.Name, out name);
        }
        return name is null ? default : InBackground(() =>
        {
            // The memory is free only when systemd has closed its descriptor.
            if (!_store.Remove(name) || !_store.Barrier())
                Log.NotForgotten(_logger, gone.Name);
        });
    }

    void Write(QomObject made)
    {
        if (!_store.IsEnabled)
            return;
        var record = RecordOf(made);
        _stored.Put(record);
        Append(StoredState.Line(record));
    }

    void WriteDeletion(string id)
    {
        if (!_store.IsEnabled)
            return;
        _stored.Delete(id);
        Append(StoredState.DeletedLine(id));
    }

    void Write(Lease lease)
    {
        if (!_store.IsEnabled)
            return;
        var record = LeaseRecord.Of(lease);
        _stored.Put(record);
        Append(StoredState.Line(record));
    }

    void WriteEnd(Lease lease)
    {
        if (!_store.IsEnabled)
            return;
        _stored.EndLease(lease.Mapping);
        Append(StoredState.LeaseEndedLine(lease.Mapping));
    }

    void Append(Value line)
    {
        _state.AssertHeld();
        foreach (var journal in (Journal?[])[_journal, _next])
        {
            if (journal?.Append(line) is { Failed: true } errno)
                Log.NotRecorded(_logger, errno);
        }
        if (_journal?.Length > _rewriteAt && _next is null)
            Rewrite();
    }

    // A crash before the new journal is in the store leaves the old one, a crash afterwards leaves one or both.
    void Rewrite()
    {
        if (BeginRewrite() is { } next)
            _ = InBackground(() => FinishRewrite(next)).AsTask();
    }

    // Called with the state held.
    Journal? BeginRewrite()
    {
        if (Journal.Create(++_lastGeneration, _stored.Lines(), out _next) is { Failed: true } errno)
            Log.NotRecorded(_logger, errno);
        return _next;
    }

    void FinishRewrite(Journal next)
    {
        var name = DescriptorNames.Journal(next.Generation);
        var isStored = _store.Put(name, next.File);
        if (!isStored)
            _store.Remove(name);
        using (_state.Enter())
        {
            _next = null;
            if (isStored)
            {
                if (_journal is { } old)
                {
                    _store.Remove(DescriptorNames.Journal(old.Generation));
                    old.Dispose();
                }
                _journal = next;
            }
            else
            {
                // The old journal, if there is one, is still complete.
                Log.JournalNotStored(_logger);
                next.Dispose();
            }
            _rewriteAt = Math.Max(RewriteFrom, next.Length * 4);
        }
    }
}
