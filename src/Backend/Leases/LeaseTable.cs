using System.Globalization;
using HostMemd.Backend.Memory;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Leases;

/// <summary>Why a lease has ended.</summary>
public enum LeaseEnd { Unmap, Exit }

/// <summary>
/// The leases: who was lent what. They follow the process, not the connection, since mappings do. Used with the daemon's state held.
/// </summary>
public sealed class LeaseTable(StateLock state)
{
    // What a process is known by: its pid. Those of other pid namespaces all have 0 here: of them it is what pidfs calls them, and where
    // there is none each loan counts as one to a process of its own.
    readonly record struct ProcessKey(int Pid, ulong Unnumbered);

    // One watch and one descriptor for each process, however many leases it has.
    sealed class Borrower(ProcessKey key, SafeFileHandle pidfd)
    {
        public ProcessKey Key => key;
        public SafeFileHandle Pidfd => pidfd;
        public HashSet<Lease> Leases { get; } = [];
    }

    readonly ProcessWatcher _watcher = new();
    readonly Dictionary<string, Lease> _leases = new(StringComparer.Ordinal);
    readonly Dictionary<ProcessKey, Borrower> _borrowers = [];
    readonly Dictionary<Lease, Borrower> _borrowerOf = new(ReferenceEqualityComparer.Instance);
    readonly Dictionary<HostMemoryBackend, HashSet<Lease>> _byBackend = [];
    long _counter;
    ulong _unknown;

    /// <summary>
    /// Whether leases are written down for another process. What identifies a borrower is then read, from /proc, before its lease is given.
    /// </summary>
    public Func<bool> IsRecorded { get; set; } = static () => false;

    public event Action<Lease>? Given;
    public event Action<Lease, LeaseEnd>? Ended;

    /// <summary>Starts what waits for the ends of processes, so that a lease needs no new thread.</summary>
    /// <returns>EAGAIN: no thread can be had; else as epoll_create1(2).</returns>
    public Errno Reserve() => _watcher.Start();

    /// <summary>How many processes are watched.</summary>
    public int BorrowerCount => _borrowers.Count;

    public IReadOnlyCollection<Lease> All => _leases.Values;

    public IReadOnlyCollection<Lease> Of(HostMemoryBackend backend) => _byBackend.TryGetValue(backend, out var leases) ? leases : [];

    /// <summary>The descriptor of the process that a lease is for. It stays the table's.</summary>
    public SafeFileHandle? PidfdOf(Lease lease) => _borrowerOf.GetValueOrDefault(lease)?.Pidfd;

    /// <summary>Gives a lease.</summary>
    /// <param name="backend">The memory.</param>
    /// <param name="pid">The process it is for, or <see cref="Lease.Unnumbered"/>.</param>
    /// <param name="pidfd">A descriptor of that process, taken over; it may be closed at once if the process is known already.</param>
    /// <param name="name">Free text.</param>
    /// <param name="isReadOnly">What kind of descriptor is lent.</param>
    /// <param name="startTime">When the process started, in clock ticks; null if not read.</param>
    /// <exception cref="QmpException">The process is gone, or cannot be watched.</exception>
    public Lease Give(HostMemoryBackend backend, int pid, SafeFileHandle pidfd, string? name, bool isReadOnly, ulong? startTime = null)
    {
        var borrower = BorrowerOf(pid, pidfd);
        string mapping;
        do
            mapping = string.Create(CultureInfo.InvariantCulture, $"map{++_counter}");
        while (_leases.ContainsKey(mapping));
        var lease = new Lease(mapping, backend, pid, name, isReadOnly, DateTimeOffset.UtcNow) { StartTime = startTime };
        Add(lease, borrower);
        Given?.Invoke(lease);
        return lease;
    }

    void Add(Lease lease, Borrower borrower)
    {
        state.AssertHeld();
        _leases.Add(lease.Mapping, lease);
        _borrowerOf.Add(lease, borrower);
        borrower.Leases.Add(lease);
        if (!_byBackend.TryGetValue(lease.Backend, out var ofBackend))
            _byBackend.Add(lease.Backend, ofBackend = []);
        ofBackend.Add(lease);
    }

    /// <summary>Gives a lease again that another process had given, without telling anybody.</summary>
    /// <exception cref="QmpException">The process is gone.</exception>
    public void Restore(Lease lease, SafeFileHandle pidfd) => Add(lease, BorrowerOf(lease.Pid, pidfd));

    Borrower BorrowerOf(int pid, SafeFileHandle pidfd)
    {
        state.AssertHeld();
        // Asked first: a connection may outlive the process that made it, and the number may be somebody else's by now. A kernel that
        // does not answer has not said that anybody ended: nothing is changed then.
        var errno = Pidfd.Poll(pidfd, 0, out var hasEnded);
        var knownHasEnded = false;
        var key = new ProcessKey(pid, pid != Lease.Unnumbered ? 0 : Pidfd.Identity(pidfd) ?? ulong.MaxValue - _unknown++);
        if (errno.Ok && _borrowers.TryGetValue(key, out var known) && (errno = Pidfd.Poll(known.Pidfd, 0, out knownHasEnded)).Ok)
        {
            // Two that live and have the same number are one.
            if (!hasEnded && !knownHasEnded)
            {
                pidfd.Dispose();
                return known;
            }
            if (knownHasEnded)
                Forget(known);
        }
        var borrower = new Borrower(key, pidfd);
        if (errno.Ok)
            errno = hasEnded ? Errno.ESRCH : _watcher.Watch(pidfd, () => Exited(borrower));
        if (errno.Failed)
        {
            pidfd.Dispose();
            throw QmpErrors.ProcessNotWatched(pid, errno.Text);
        }
        _borrowers.Add(key, borrower);
        return borrower;
    }

    // On the watcher's thread.
    void Exited(Borrower borrower)
    {
        using (state.Enter())
            Forget(borrower);
    }

    void Forget(Borrower borrower)
    {
        if (_borrowers.TryGetValue(borrower.Key, out var current) && current == borrower)
            _borrowers.Remove(borrower.Key);
        foreach (var lease in borrower.Leases.ToArray())
            Remove(lease, LeaseEnd.Exit);
        borrower.Pidfd.Dispose();
    }

    /// <exception cref="QmpException">There is no such lease.</exception>
    public Lease End(string mapping)
    {
        state.AssertHeld();
        if (!_leases.TryGetValue(mapping, out var lease))
            throw QmpErrors.MappingNotFound(mapping);
        Remove(lease, LeaseEnd.Unmap);
        return lease;
    }

    void Remove(Lease lease, LeaseEnd reason)
    {
        state.AssertHeld();
        // A borrower without leases stays watched until it ends: it may well ask again.
        if (_borrowerOf.Remove(lease, out var borrower))
            borrower.Leases.Remove(lease);
        _leases.Remove(lease.Mapping);
        if (_byBackend.TryGetValue(lease.Backend, out var ofBackend) && ofBackend.Remove(lease) && ofBackend.Count == 0)
            _byBackend.Remove(lease.Backend);
        Ended?.Invoke(lease, reason);
    }
}
