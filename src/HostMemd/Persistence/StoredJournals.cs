using HostMemd.Systemd;
using Microsoft.Extensions.Logging;

namespace HostMemd.Persistence;

/// <summary>
/// The journals found at the start. The latest counts: a crash between the writing of one and the removal of the other leaves both.
/// A journal that only another version can read is left alone, with all memory that it may describe. That version finds the journal's
/// name in the quarantine when it runs again, and adds what it reads.
/// </summary>
sealed class StoredJournals(ILogger logger)
{
    readonly List<(string Name, Journal Journal, StoredState State, IReadOnlyList<string> Damaged)> _readable = [];

    /// <summary>Names of journals that this version cannot read.</summary>
    public List<string> Unreadable { get; } = [];

    /// <summary>A journal or a line was not readable, so memory without a record may still belong to an object.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>The journal whose history goes on; null if there is none.</summary>
    public Journal? InForce { get; private set; }

    public void Add(PassedDescriptor passed)
    {
        if (Journal.Open(passed.Handle, out var state, out var damaged) is { } journal)
        {
            _readable.Add((passed.Name, journal, state, damaged));
            return;
        }
        Log.JournalUnreadable(logger, passed.Name);
        passed.Handle.Dispose();
        Unreadable.Add(passed.Name);
        IsDamaged = true;
    }

    /// <param name="obsolete">Receives the names of journals that are no longer needed.</param>
    /// <returns>The state that all of them record together.</returns>
    public StoredState Merge(List<string> obsolete)
    {
        var state = new StoredState();
        foreach (var (name, journal, read, damaged) in _readable.OrderByDescending(j => j.Journal.Generation))
        {
            if (InForce is null)
            {
                InForce = journal;
                state = read;
                LogDamaged(damaged);
                continue;
            }
            if (state.Quarantined.Contains(name))
            {
                LogDamaged(damaged);
                state.AddMissing(read);
            }
            journal.Dispose();
            obsolete.Add(name);
        }
        return state;
    }

    void LogDamaged(IReadOnlyList<string> damaged)
    {
        IsDamaged |= damaged.Count > 0;
        foreach (var line in damaged)
            Log.LineUnreadable(logger, line);
    }
}
