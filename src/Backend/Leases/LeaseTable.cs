using System.Globalization;
using HostMemd.Backend.Memory;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Leases;

/// <summary>Why a lease has ended.</summary>
public enum LeaseEnd { Unmap, Exit }

/// <summary>
/// The leases. A lease follows the borrower and not its connection, since mappings do. Used with the daemon's state held.
/// </summary>
public sealed class LeaseTable(StateLock state)
{
    // What identifies a process: its pid. A process of another pid namespace has the pid 0 here, and is identified by its number in pidfs;
    // without pidfs each of its leases counts as one to a process of its own.
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
    /// Whether leases are recorded for another process. The start time of a borrower is then read, from /proc, before its lease is given.
    /// </summary>
    public Func<bool> IsRecorded { get; set; } = static () => false;

    public event Action<Lease>? Given;
    public event Action<Lease, LeaseEnd>? Ended;

    /// <summary>Starts the thread that waits for the ends of borrowers, so that a lease needs no new one.</summary>
    /// <returns>EAGAIN: the kernel grants no thread; else as epoll_create1(2).</returns>
    public Errno Reserve() => _watcher.Start();

    /// <summary>How many borrowers are watched, each by a descriptor.</summary>
    public int BorrowerCount => _borrowers.Count;

    public IReadOnlyCollection<Lease> All => _leases.Values;

    public IReadOnlyCollection<Lease> Of(HostMemoryBackend backend) => _byBackend.TryGetValue(backend, out var leases) ? leases : [];

    /// <summary>The pidfd of a borrower. It stays the table's.</summary>
    public SafeFileHandle? PidfdOf(Lease lease) => _borrowerOf.GetValueOrDefault(lease)?.Pidfd;

    /// <summary>Gives a lease.</summary>
    /// <param name="backend">The memory.</param>
    /// <param name="pid">The borrower, or <see cref="Lease.Unnumbered"/>.</param>
    /// <param name="pidfd">A pidfd of the borrower, taken over; it may be closed at once if the borrower is known already.</param>
    /// <param name="name">Free text.</param>
    /// <param name="isReadOnly">The descriptor lent cannot be mapped writable.</param>
    /// <param name="startTime">When the borrower started, in clock ticks; null if not read.</param>
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

    /// <summary>Adds a lease that another process had given, without raising <see cref="Given"/>.</summary>
    /// <exception cref="QmpException">The process is gone.</exception>
    public void Restore(Lease lease, SafeFileHandle pidfd) => Add(lease, BorrowerOf(lease.Pid, pidfd));

    Borrower BorrowerOf(int pid, SafeFileHandle pidfd)
    {
        state.AssertHeld();
        // The pidfd is asked first: a connection may outlive the process that made it, and the pid may be another process's by now. If the
        // kernel does not answer, no process has been shown to have ended, and nothing is changed.
        var errno = Pidfd.Poll(pidfd, 0, out var hasEnded);
        var knownHasEnded = false;
        var key = new ProcessKey(pid, pid != Lease.Unnumbered ? 0 : Pidfd.Identity(pidfd) ?? ulong.MaxValue - _unknown++);
        if (errno.Ok && _borrowers.TryGetValue(key, out var known) && (errno = Pidfd.Poll(known.Pidfd, 0, out knownHasEnded)).Ok)
        {
            // Two living processes of the same pid are one.
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
        // A borrower without leases stays watched until it ends: it may borrow again.
        if (_borrowerOf.Remove(lease, out var borrower))
            borrower.Leases.Remove(lease);
        _leases.Remove(lease.Mapping);
        if (_byBackend.TryGetValue(lease.Backend, out var ofBackend) && ofBackend.Remove(lease) && ofBackend.Count == 0)
            _byBackend.Remove(lease.Backend);
        Ended?.Invoke(lease, reason);
    }
}
