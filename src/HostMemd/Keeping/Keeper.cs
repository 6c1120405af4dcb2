using System.Globalization;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Linux;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Qapi;
using HostMemd.Systemd;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Keeping;

/// <summary>
/// Keeps what must outlive this process. Memory goes to systemd's descriptor store before its object is seen by anybody; a journal
/// beside it says what each descriptor is. A descriptor that no line speaks of is half made or half deleted, and goes.
/// </summary>
/// <remarks>
/// Order is what makes a crash at any instant harmless. Made: descriptor stored, barrier, line written, reply. Deleted: memory
/// released, line written, descriptor removed, barrier, reply.
/// </remarks>
sealed class Keeper
{
    const string MemoryPrefix = "hostmemd-mem-";
    const string StatePrefix = "hostmemd-state-";

    // Rewritten when most of it is history; small ones are not worth it.
    const ulong RewriteFrom = 256 << 10;

    readonly FdStore _store;
    readonly Lock _state;
    readonly ILogger _logger;
    readonly QomTree _tree;
    readonly LeaseTable _leases;
    readonly KeptState _kept = new();
    readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    Journal? _journal, _previous;
    ulong _rewriteAt = RewriteFrom;

    public Keeper(ObjectFactory objects, QomTree tree, LeaseTable leases, FdStore store, Lock state, ILogger logger)
    {
        _store = store;
        _tree = tree;
        _state = state;
        _logger = logger;
        objects.Keeping = made => store.IsEnabled ? Off(() => Keep(made)) : default;
        objects.Forgetting = Forget;
        _leases = leases;
        // Without a journal nothing is written down: a takeover looks at the objects themselves.
        objects.Added += WriteRecord;
        tree.Changed += WriteRecord;
        leases.Given += lease => Write(KeptState.Line(LeaseRecord.Of(lease)));
        leases.Ended += (lease, _) => Write(KeptState.Unleased(lease.Mapping));
    }

    public static string StateName(long generation) => string.Create(CultureInfo.InvariantCulture, $"{StatePrefix}{generation}");

    /// <summary>Something goes on after this process: letting go of objects must discard nothing.</summary>
    public bool IsEnabled => _store.IsEnabled;

    // The store is asked by datagrams and a barrier, which block: not on a client's own thread.
    static ValueTask Off(Action work) =>
        new(Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));

    void WriteRecord(QomObject made)
    {
        if (_journal is not null)
            Write(KeptState.Line(RecordOf(made)));
    }

    ObjectRecord RecordOf(QomObject made) => ObjectRecord.Of(made, _names.GetValueOrDefault(made.Name));

    /// <summary>The descriptor through which another process can have this memory, or null: it has a path, or is private.</summary>
    public static SafeFileHandle? StoreOf(QomObject made) =>
        made is FileBackend { IsTemporary: false } ? null : (made as HostMemoryBackend)?.Region is { Identity: not null } region ? region.File : null;

    void Keep(QomObject made)
    {
        if (StoreOf(made) is not { } file)
            return;
        var name = MemoryPrefix + Guid.NewGuid().ToString("N");
        if (_store.Put(name, file) && _store.Barrier())
        {
            lock (_state)
                _names[made.Name] = name;
            return;
        }
        Log.NotStored(_logger, made.Name);
        _store.Remove(name);
    }

    ValueTask Forget(QomObject gone)
    {
        string? name;
        lock (_state)
        {
            Write(KeptState.Deleted(gone.Name));
            _names.Remove(gone.Name, out name);
        }
        return name is null ? default : Off(() =>
        {
            // Until systemd has let go of its descriptor the memory is not free.
            if (!_store.Remove(name) || !_store.Barrier())
                Log.NotForgotten(_logger, gone.Name);
        });
    }

    void Write(Value line)
    {
        if (_journal is null)
            return;
        _kept.Apply(line);
        var errno = _journal.Append(line);
        if (errno.Ok && _previous is not null)
            errno = _previous.Append(line);
        if (errno.Failed)
            Log.NotRecorded(_logger, errno);
        if (_journal.Length > _rewriteAt && _previous is null)
            Rewrite();
    }

    // Lines go to both journals until the new one is known to be in the store; a crash meanwhile finds either.
    void Rewrite()
    {
        if (Journal.Create((_journal?.Generation ?? 0) + 1, _kept.Lines(), out var next) is { Failed: true } errno)
        {
            Log.NotRecorded(_logger, errno);
            return;
        }
        (_previous, _journal) = (_journal, next!);
        _rewriteAt = Math.Max(RewriteFrom, next!.Length * 4);
        _ = Off(() => Replace(next)).AsTask();
    }

    void Replace(Journal next)
    {
        var stored = _store.Put(StateName(next.Generation), next.File) && _store.Barrier();
        lock (_state)
        {
            if (!stored)
            {
                // The old one is still complete.
                Log.NotStored(_logger, "the journal");
                return;
            }
            if (_previous is { } old)
            {
                _store.Remove(StateName(old.Generation));
                old.Dispose();
            }
            _previous = null;
        }
    }

    /// <summary>
    /// The state for another process, with a name for every descriptor that it needs. Called with the state held and all changes stopped.
    /// </summary>
    public (IReadOnlyList<Value> Lines, IReadOnlyList<PassedDescriptor> Memory) HandOver()
    {
        var lines = new List<Value>();
        var memory = new List<PassedDescriptor>();
        foreach (var made in _tree.Objects.Children)
        {
            var file = StoreOf(made);
            var name = file is null ? null : _names.GetValueOrDefault(made.Name) ?? MemoryPrefix + made.Name;
            if (file is not null)
                memory.Add(new(name!, file));
            lines.Add(KeptState.Line(ObjectRecord.Of(made, name)));
        }
        lines.AddRange(_leases.All.Select(l => KeptState.Line(LeaseRecord.Of(l))));
        return (lines, memory);
    }

    /// <summary>Starts keeping: from here on everything is written down. Called before clients are served.</summary>
    public void Begin()
    {
        if (!_store.IsEnabled)
            return;
        lock (_state)
            Rewrite();
    }

    /// <summary>Makes again what the process before us had, in its order; what cannot be had is told, and kept aside.</summary>
    /// <param name="descriptors">What it left, by name; those that nothing speaks of are let go.</param>
    /// <param name="restorer">Makes objects and leases.</param>
    public async Task RestoreAsync(IReadOnlyList<PassedDescriptor> descriptors, Restorer restorer)
    {
        var memory = new Dictionary<string, SafeFileHandle>(StringComparer.Ordinal);
        var obsolete = new List<string>();
        KeptState? state = null;
        foreach (var passed in descriptors)
        {
            if (passed.Name.StartsWith(MemoryPrefix, StringComparison.Ordinal) && memory.TryAdd(passed.Name, passed.Handle))
                continue;
            if (passed.Name.StartsWith(StatePrefix, StringComparison.Ordinal) && Adopt(passed, obsolete) is { } newer)
                state = newer;
            else if (_journal?.File != passed.Handle)
                passed.Handle.Dispose();
        }
        if (state is not null)
            await RestoreAsync(state, memory, restorer).ConfigureAwait(false);
        foreach (var (name, handle) in memory)
        {
            handle.Dispose();
            obsolete.Add(name);
        }
        foreach (var name in obsolete)
            _store.Remove(name);
        if (state is not null)
            Log.Restored(_logger, _tree.Objects.Children.Count());
    }

    // Of several journals the latest counts; a crash between the writing of one and the removal of the other leaves both.
    KeptState? Adopt(PassedDescriptor passed, List<string> obsolete)
    {
        var journal = Journal.Open(passed.Handle, out var state, out var damaged);
        if (journal is null || journal.Generation <= (_journal?.Generation ?? -1))
        {
            if (journal is null)
                Log.JournalUnreadable(_logger, passed.Name);
            else
                obsolete.Add(passed.Name);
            return null;
        }
        foreach (var line in damaged)
            Log.LineUnreadable(_logger, line);
        if (_journal is { } older)
        {
            obsolete.Add(StateName(older.Generation));
            older.Dispose();
        }
        _journal = journal;
        return state;
    }

    async Task RestoreAsync(KeptState state, Dictionary<string, SafeFileHandle> memory, Restorer restorer)
    {
        foreach (var record in state.Objects)
        {
            SafeFileHandle? store = null;
            if (record.Store is not null)
                memory.Remove(record.Store, out store);
            // What cannot be made now may be by a later start: the record stays, and so does the descriptor.
            var made = await restorer.TryMakeAsync(record, store).ConfigureAwait(false);
            if (!made && record is { Store: null, File: null })
                continue;
            lock (_state)
            {
                _kept.Apply(KeptState.Line(record));
                if (made && record.Store is not null)
                    _names[record.Options.Id] = record.Store;
            }
        }
        foreach (var lease in state.Leases)
        {
            lock (_state)
            {
                if (restorer.TryLend(lease))
                    _kept.Apply(KeptState.Line(lease));
            }
        }
    }

    /// <summary>Forgets everything: the objects were deleted for good.</summary>
    public void Clear()
    {
        if (!_store.IsEnabled)
            return;
        foreach (var record in _kept.Objects.ToArray())
        {
            if (record.Store is not null)
                _store.Remove(record.Store);
        }
        foreach (var journal in (Journal?[])[_journal, _previous])
        {
            if (journal is not null)
                _store.Remove(StateName(journal.Generation));
        }
        _store.Barrier();
    }
}
