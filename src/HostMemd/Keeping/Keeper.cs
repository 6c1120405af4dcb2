using System.Globalization;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Qom;
using HostMemd.Backend.Threads;
using HostMemd.Linux;
using HostMemd.Qapi;
using HostMemd.Start;
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
    // Short: systemd passes all names in one variable, which the kernel bounds to 128 KiB (execve(2), MAX_ARG_STRLEN); beyond that the
    // service cannot be started any more.
    const string MemoryPrefix = "mem-";
    const string StatePrefix = "state-";
    const string ProcessPrefix = "process-";

    // Rewritten when most of it is history; small ones are not worth it.
    const ulong RewriteFrom = 256 << 10;

    readonly FdStore _store;
    readonly StateLock _state;
    readonly ILogger _logger;
    readonly QomTree _tree;
    readonly LeaseTable _leases;
    readonly KeptState _kept = new();
    readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    // The one in force, which is in the store, and the one that is to follow it: until it is there too, lines go to both.
    Journal? _journal, _next;
    ulong _rewriteAt = RewriteFrom;
    long _lastGeneration, _lastName;
    bool _hasBegun;

    public Keeper(ObjectRegistry objects, QomTree tree, LeaseTable leases, FdStore store, StateLock state, ILogger logger)
    {
        _store = store;
        _tree = tree;
        _state = state;
        _logger = logger;
        objects.Keeping = made => store.IsEnabled ? Off(() => Keep(made)) : default;
        objects.Forgetting = Forget;
        _leases = leases;
        // Without a store nothing is written down: a takeover looks at the objects themselves.
        objects.Added += WriteRecord;
        tree.Changed += WriteRecord;
        leases.IsRecorded = () => store.IsEnabled;
        leases.Given += WriteRecord;
        leases.Ended += (lease, _) => Write(KeptState.Unleased(lease.Mapping));
    }

    public static string StateName(long generation) => string.Create(CultureInfo.InvariantCulture, $"{StatePrefix}{generation}");

    /// <summary>Something goes on after this process: letting go of objects must discard nothing.</summary>
    public bool IsEnabled => _store.IsEnabled;

    /// <summary>How many entries were left by another process and could not be made use of.</summary>
    public int Aside
    {
        get
        {
            using (_state.Enter())
                return _kept.Aside.Count + _kept.Objects.Count(o => _tree.Objects.FindChild(o.Options.Id) is null);
        }
    }

    // The store is asked by datagrams and a barrier, which block: not on a client's own thread.
    static ValueTask Off(Action work) => new(OwnThread.RunAsync(work));

    void WriteRecord(QomObject made)
    {
        if (_store.IsEnabled)
            Write(KeptState.Line(RecordOf(made)));
    }

    void WriteRecord(Lease lease)
    {
        if (_store.IsEnabled)
            Write(KeptState.Line(LeaseRecord.Of(lease)));
    }

    ObjectRecord RecordOf(QomObject made) => ObjectRecord.Of(made, _names.GetValueOrDefault(made.Name));

    /// <summary>The descriptor through which another process can have this memory, or null: it has a path, or is private.</summary>
    public static SafeFileHandle? StoreOf(QomObject made) => (made as HostMemoryBackend)?.StoreToKeep;

    void Keep(QomObject made)
    {
        if (StoreOf(made) is not { } file)
            return;
        string name;
        using (_state.Enter())
        {
            // Without a journal nobody will know what the descriptor is: what did not work is tried again.
            if (_hasBegun && _journal is null && _next is null)
                Rewrite();
            name = MemoryPrefix + (++_lastName).ToString(CultureInfo.InvariantCulture);
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

    ValueTask Forget(QomObject gone)
    {
        string? name;
        using (_state.Enter())
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
        _state.AssertHeld();
        if (!_store.IsEnabled)
            return;
        _kept.Apply(line);
        foreach (var journal in (Journal?[])[_journal, _next])
        {
            if (journal?.Append(line) is { Failed: true } errno)
                Log.NotRecorded(_logger, errno);
        }
        if (_journal?.Length > _rewriteAt && _next is null)
            Rewrite();
    }

    // A crash before the new one is in the store finds the old one, one afterwards finds either.
    void Rewrite()
    {
        if (BeginRewrite() is { } next)
            _ = Off(() => FinishRewrite(next)).AsTask();
    }

    // With the state held.
    Journal? BeginRewrite()
    {
        _state.AssertHeld();
        if (Journal.Create(++_lastGeneration, _kept.Lines(), out _next) is { Failed: true } errno)
            Log.NotRecorded(_logger, errno);
        return _next;
    }

    void FinishRewrite(Journal next)
    {
        var name = StateName(next.Generation);
        var stored = _store.Put(name, next.File);
        if (!stored)
            _store.Remove(name);
        using (_state.Enter())
        {
            _next = null;
            if (stored)
            {
                if (_journal is { } old)
                {
                    _store.Remove(StateName(old.Generation));
                    old.Dispose();
                }
                _journal = next;
            }
            else
            {
                // The old one, if there is one, is still complete.
                Log.JournalNotStored(_logger);
                next.Dispose();
            }
            _rewriteAt = Math.Max(RewriteFrom, next.Length * 4);
        }
    }

    /// <summary>
    /// The state for another process, with a name for every descriptor that it needs. Called with the state held and all changes stopped.
    /// </summary>
    public (IReadOnlyList<Value> Lines, IReadOnlyList<PassedDescriptor> Memory) HandOver()
    {
        _state.AssertHeld();
        var lines = new List<Value>();
        var memory = new List<PassedDescriptor>();
        foreach (var made in _tree.Objects.Children)
        {
            var file = StoreOf(made);
            var name = file is null ? null : string.Create(CultureInfo.InvariantCulture, $"{MemoryPrefix}{memory.Count + 1}");
            if (file is not null)
                memory.Add(new(name!, file));
            lines.Add(KeptState.Line(ObjectRecord.Of(made, name)));
        }
        // Processes that have no number here: what the other one needs to watch them is their descriptor.
        var processes = new Dictionary<SafeFileHandle, string>(ReferenceEqualityComparer.Instance);
        foreach (var lease in _leases.All)
        {
            string? name = null;
            if (lease.Pid == Lease.Unnumbered && _leases.PidfdOf(lease) is { } pidfd && !processes.TryGetValue(pidfd, out name))
            {
                name = string.Create(CultureInfo.InvariantCulture, $"{ProcessPrefix}{processes.Count + 1}");
                processes.Add(pidfd, name);
                memory.Add(new(name, pidfd));
            }
            lines.Add(KeptState.Line(LeaseRecord.Of(lease, name)));
        }
        return (lines, memory);
    }

    /// <summary>
    /// Starts keeping: when this returns, all that is there is safe, and from here on everything is written down. Called before clients
    /// are served. Blocks.
    /// </summary>
    public void Begin()
    {
        if (!_store.IsEnabled)
            return;
        if (_store.HasRoom() is false)
        {
            Log.StoreFull(_logger);
            // What a store has given must be told to it again; one that has nothing and takes nothing is none.
            _store.IsOff = _journal is null;
            if (_store.IsOff)
                return;
        }
        // What was handed over by a process, not by a store, is in none yet.
        QomObject[] made;
        using (_state.Enter())
            made = [.. _tree.Objects.Children.Where(c => !_names.ContainsKey(c.Name))];
        foreach (var one in made)
            Keep(one);
        Journal? next;
        using (_state.Enter())
        {
            foreach (var one in made)
                _kept.Apply(KeptState.Line(RecordOf(one)));
            next = BeginRewrite();
            _hasBegun = true;
        }
        if (next is not null)
            FinishRewrite(next);
    }

    /// <summary>Makes again what the process before us had, in its order; what cannot be had is told, and kept aside.</summary>
    /// <param name="descriptors">What it left, by name; those that nothing speaks of are let go.</param>
    /// <param name="fromStore">They are in our store; otherwise a process handed them over.</param>
    /// <param name="restorer">Makes objects and leases.</param>
    /// <exception cref="StartException">Not all of what a process hands over can be had; it is to keep all of it.</exception>
    public async Task RestoreAsync(IReadOnlyList<PassedDescriptor> descriptors, bool fromStore, Restorer restorer)
    {
        var memory = new Dictionary<string, SafeFileHandle>(StringComparer.Ordinal);
        var journals = new KeptJournals(_logger);
        var obsolete = new List<string>();
        foreach (var passed in descriptors)
        {
            if (NumberOf(passed.Name, MemoryPrefix) is { } number && memory.TryAdd(passed.Name, passed.Handle))
                _lastName = Math.Max(_lastName, number);
            else if (NumberOf(passed.Name, ProcessPrefix) is not null && memory.TryAdd(passed.Name, passed.Handle))
                continue;
            else if (NumberOf(passed.Name, StatePrefix) is { } generation)
            {
                _lastGeneration = Math.Max(_lastGeneration, generation);
                journals.Add(passed);
            }
            else
            {
                // Of a probe that was cut short, or nothing of ours.
                passed.Handle.Dispose();
            }
        }
        var state = journals.Merge(obsolete);
        await RestoreAsync(state, memory, restorer).ConfigureAwait(false);
        foreach (var (name, handle) in memory)
        {
            handle.Dispose();
            if (journals.IsDamaged || state.Aside.Contains(name))
                PutAside(name);
            else
                obsolete.Add(name);
        }
        foreach (var name in journals.Unreadable)
            PutAside(name);
        if (fromStore)
        {
            _journal = journals.InForce;
            foreach (var name in obsolete)
                _store.Remove(name);
        }
        else
        {
            _names.Clear();
            journals.InForce?.Dispose();
            // The process that hands over still has everything, and nobody has what is missing here once it leaves.
            if (journals.IsDamaged)
                throw new StartException("the running daemon's state is not readable by this version");
            if (restorer.FirstFailure is { } failure)
                throw new StartException($"cannot be taken over: {failure}");
        }
        if (_kept.Aside.Count > 0)
            Log.KeptAside(_logger, _kept.Aside.Count);
        Log.Restored(_logger, _tree.Objects.Children.Count());
    }

    void PutAside(string name)
    {
        using (_state.Enter())
            _kept.Apply(KeptState.PutAside(name));
    }

    static long? NumberOf(string name, string prefix) => name.StartsWith(prefix, StringComparison.Ordinal)
        && long.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

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
            using (_state.Enter())
            {
                _kept.Apply(KeptState.Line(record));
                if (made && record.Store is not null)
                    _names[record.Options.Id] = record.Store;
            }
        }
        foreach (var lease in state.Leases)
        {
            using (_state.Enter())
            {
                if (restorer.TryLend(lease, lease.Process is null ? null : memory.GetValueOrDefault(lease.Process)))
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
        foreach (var name in _kept.Aside)
            _store.Remove(name);
        foreach (var journal in (Journal?[])[_journal, _next])
        {
            if (journal is not null)
                _store.Remove(StateName(journal.Generation));
        }
        _store.Barrier();
    }
}
