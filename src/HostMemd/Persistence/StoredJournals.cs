using HostMemd.Systemd;
using Microsoft.Extensions.Logging;

namespace HostMemd.Persistence;

/// <summary>
/// The journals that were found at the start. Of several the latest counts: a crash between the writing of one and the removal of
/// the other leaves both. One that only another version can read is left alone, with all memory it may speak of; that version, when it
/// is back, finds its name among what was put aside and adds what it reads.
/// </summary>
sealed class StoredJournals(ILogger logger)
{
    readonly List<(string Name, Journal Journal, StoredState State, IReadOnlyList<string> Damaged)> _readable = [];

    public List<string> Unreadable { get; } = [];

    /// <summary>Something was not readable, so memory that nothing speaks of may still be somebody's.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>The one whose history goes on; null if there is none.</summary>
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

    /// <param name="obsolete">Gets the names of those that are not needed any more.</param>
    /// <returns>What they say together.</returns>
    public StoredState Merge(List<string> obsolete)
    {
        var state = new StoredState();
        foreach (var (name, journal, read, damaged) in _readable.OrderByDescending(j => j.Journal.Generation))
        {
            if (InForce is null)
            {
                InForce = journal;
                state = read;
                Tell(damaged);
                continue;
            }
            if (state.Aside.Contains(name))
            {
                Tell(damaged);
                foreach (var line in read.Lines())
                    state.ApplyIfNew(line);
            }
            journal.Dispose();
            obsolete.Add(name);
        }
        return state;
    }

    void Tell(IReadOnlyList<string> damaged)
    {
        IsDamaged |= damaged.Count > 0;
        foreach (var line in damaged)
            Log.LineUnreadable(logger, line);
    }
}
