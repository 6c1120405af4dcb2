using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Backend.Regions;

/// <summary>
/// Room in the address space, and in the memory promised to this process, for the runtime, which does not survive a failing mmap. Where
/// RLIMIT_AS, RLIMIT_DATA or vm.overcommit_memory=2 bounds them, a reserve is kept mapped, and objects are mapped only beside it. The
/// reserve is given up as soon as nothing is left beside it, and mapped again before the next object, if there is room.
/// </summary>
public static class Headroom
{
    // The reserve: for the largest requests that can be unfinished at once, and the stacks (RLIMIT_STACK, 8 MiB) of some threads.
    const ulong Kept = 128 << 20;

    // More than any address space has.
    const ulong Most = 1UL << 60;

    // The least beside the reserve: more than the GC and some new threads take between two checks, which follow each collection and object.
    const ulong Least = 64 << 20;

    // The part of CommitLimit that the kernel grants no process: vm.admin_reserve_kbytes and vm.user_reserve_kbytes, 8 and up to 128 MiB.
    const ulong KernelsOwn = 136 << 20;

    static readonly TimeSpan s_modeIsKnownFor = TimeSpan.FromSeconds(1);

    static readonly Lock s_gate = new();
    static MappedMemory? s_kept;
    static int s_users;

    // Of objects that are being mapped.
    static ulong s_private, s_shared;

    static bool s_isWatching;
    static bool s_neverOvercommits;
    static long s_askedAt = long.MinValue / 2;

    /// <summary>
    /// Holds the reserve until disposed, after checking that beside it there is room for an object and the least for the runtime.
    /// </summary>
    /// <param name="bytes">Bytes that the object is going to map.</param>
    /// <param name="isPrivate">RLIMIT_DATA and the overcommit limit count them, not only RLIMIT_AS.</param>
    /// <exception cref="QmpException">There is not that much; the limit and its value are in the text.</exception>
    internal static Keeping Keep(ulong bytes, bool isPrivate)
    {
        var promised = Math.Min(bytes, Most);
        lock (s_gate)
        {
            if (IsBounded() && !HasRoom(promised, isPrivate, out var counts, out var errno))
            {
                // The limit is named before the reserve is given up: the reserve is in the kernel's figures.
                var refusal = errno == Errno.ENOMEM && Tightest(counts) is { } limit ? QmpErrors.LimitReached(new(limit.Name, limit.Value))
                    : QmpErrors.NoRoom(errno.Text);
                Look();
                throw refusal;
            }
            (isPrivate ? ref s_private : ref s_shared) += promised;
            s_users++;
            return new(promised, isPrivate);
        }
    }

    static bool HasRoom(ulong bytes, bool isPrivate, out Protection counts, out Errno errno)
    {
        counts = Protection.Private;
        if (!TryKeep(out errno) || !CanMap(s_private + (isPrivate ? bytes : 0) + Least, Protection.Private, out errno))
            return false;
        counts = Protection.None;
        return Limit(Rlimit.RLIMIT_AS) is null || CanMap(s_private + s_shared + bytes + Least, Protection.None, out errno);
    }

    internal readonly struct Keeping(ulong bytes, bool isPrivate) : IDisposable
    {
        public void Dispose()
        {
            lock (s_gate)
            {
                (isPrivate ? ref s_private : ref s_shared) -= bytes;
                s_users--;
                Look();
            }
        }
    }

    /// <summary>Gives the reserve up if nothing is left beside it, and maps it again if there is room.</summary>
    public static void Settle()
    {
        lock (s_gate)
            Look();
    }

    // While an object is being mapped the reserve stays: that is for a moment.
    static void Look()
    {
        if (s_users > 0 || (!IsBounded() && s_kept is null))
            return;
        if (IsBounded() && TryKeep(out _) && CanMap(Least, Protection.Private, out _))
            return;
        s_kept?.Dispose();
        s_kept = null;
    }

    static bool TryKeep(out Errno errno)
    {
        errno = Errno.None;
        if (s_kept is not null)
            return true;
        errno = MappedMemory.Map(Request(Kept, Protection.Private), out s_kept);
        if (errno.Ok && !s_isWatching)
        {
            s_isWatching = true;
            _ = new AfterCollection();
        }
        return errno.Ok;
    }

    enum Protection
    {
        // Counted by RLIMIT_AS alone.
        None,
        // Writable and private: all three limits count that. Nothing is ever written, so no page is taken.
        Private,
    }

    static bool CanMap(ulong length, Protection protection, out Errno errno)
    {
        errno = MappedMemory.Map(Request(length, protection), out var mapped);
        mapped?.Dispose();
        return errno.Ok;
    }

    static MapRequest Request(ulong length, Protection protection) => new()
    {
        Length = length,
        Flags = Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS,
        Protection = protection == Protection.None ? Mman.PROT_NONE : Mman.PROT_READ | Mman.PROT_WRITE,
    };

    static bool IsBounded() => Limit(Rlimit.RLIMIT_AS) is not null || Limit(Rlimit.RLIMIT_DATA) is not null || NeverOvercommits();

    static bool NeverOvercommits()
    {
        var now = Environment.TickCount64;
        if (now - s_askedAt > s_modeIsKnownFor.TotalMilliseconds)
            (s_neverOvercommits, s_askedAt) = (Host.OvercommitMode(out _) == 2, now);
        return s_neverOvercommits;
    }

    static ulong? Limit(int resource) => Rlimit.Get(resource, out var soft, out _).Ok && soft != Rlimit.RLIM_INFINITY ? soft : null;

    /// <summary>The error that names the limit which a mapping of that length exceeds; null if the failure has another reason.</summary>
    /// <param name="errno">What mmap(2) said.</param>
    /// <param name="length">Bytes that were to be mapped.</param>
    public static QmpException? Refusal(Errno errno, ulong length) =>
        errno == Errno.ENOMEM && Tightest(Protection.Private) is { } limit && limit.Left < Math.Min(length, Most) + Least
            ? QmpErrors.LimitReached(new(limit.Name, limit.Value)) : null;

    /// <summary>The error that names the limit because of which the runtime has just got no memory; null if there is none.</summary>
    public static QmpException? Shortage()
    {
        var refusal = Refusal(Errno.ENOMEM, s_kept is null ? Kept : Least);
        Settle();
        return refusal;
    }

    /// <summary>
    /// The limit of this process under which no object could be made from now on, and the least that it must be; null for none. Memory
    /// promised to other processes may be free again the next moment.
    /// </summary>
    public static (string Name, ulong Value, ulong Needed)? Missing() =>
        Bounds(Protection.Private).Where(b => b.IsOwn && b.Left < Kept + Least)
            .Select(b => ((string, ulong, ulong)?)(b.Name, b.Value, b.Used + Kept + Least)).FirstOrDefault();

    readonly record struct Bound(string Name, ulong Value, ulong Used, bool IsOwn)
    {
        public ulong Left => Value - Math.Min(Value, Used);
    }

    static Bound? Tightest(Protection counts) => Bounds(counts) is { Count: > 0 } bounds ? bounds.MinBy(b => b.Left) : null;

    static List<Bound> Bounds(Protection counts)
    {
        var bounds = new List<Bound>();
        if (Limit(Rlimit.RLIMIT_AS) is { } space && Procfs.StatusBytes("VmSize") is { } size)
            bounds.Add(new("RLIMIT_AS", space, size, true));
        if (counts == Protection.None)
            return bounds;
        if (Limit(Rlimit.RLIMIT_DATA) is { } data && Procfs.StatusBytes("VmData") is { } used)
            bounds.Add(new("RLIMIT_DATA", data, used, true));
        if (NeverOvercommits() && Procfs.MemInfo("CommitLimit") is { } commit && Procfs.MemInfo("Committed_AS") is { } promised)
            bounds.Add(new("vm.overcommit_memory=2, CommitLimit", commit, promised + KernelsOwn, false));
        return bounds;
    }

    /// <summary>Checks after each collection: between two the runtime takes little memory.</summary>
    sealed class AfterCollection
    {
        ~AfterCollection()
        {
            Settle();
            // A new object and not this one: the next collection may pass over one that has survived.
            if (!Environment.HasShutdownStarted)
                _ = new AfterCollection();
        }
    }
}
