using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Backend.Regions;

/// <summary>
/// Address space, and memory promised to this process, that its runtime must always find: it does not survive a failing mmap. Where
/// RLIMIT_AS, RLIMIT_DATA or vm.overcommit_memory=2 bounds them, so much is kept mapped, and an object is mapped only beside it; what is
/// kept is given up as soon as nothing is left beside it, and kept again, before the next object, when there is room.
/// </summary>
public static class Headroom
{
    // What the GC may need for the largest requests that can be unfinished at once, and the stacks (RLIMIT_STACK, 8 MiB) of some threads.
    const ulong Kept = 128 << 20;

    // More than any address space has.
    const ulong Most = 1UL << 60;

    // Beside it, the least: more than the GC and some new threads take between two looks, which are after each collection and each object.
    const ulong Least = 64 << 20;

    // Of CommitLimit the kernel lets no process have all: vm.admin_reserve_kbytes and vm.user_reserve_kbytes, 8 and up to 128 MiB.
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

    /// <summary>Keeps the room until disposed, and sees to it that beside it there is what an object needs, and the least for the runtime.</summary>
    /// <param name="bytes">What the object is going to map.</param>
    /// <param name="isPrivate">It is counted by RLIMIT_DATA and as promised, not only by RLIMIT_AS.</param>
    /// <exception cref="QmpException">There is not that much; the limit and its value are in the text.</exception>
    internal static Keeping Keep(ulong bytes, bool isPrivate)
    {
        var promised = Math.Min(bytes, Most);
        lock (s_gate)
        {
            if (IsBounded() && !HasRoom(promised, isPrivate, out var counts, out var errno))
            {
                // Named before anything is given up: what is kept is in the kernel's figures.
                var refusal = errno == Errno.ENOMEM && Tightest(counts) is { } limit ? QmpErrors.LimitReached(limit.Name, limit.Value)
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

    /// <summary>Gives up what is kept if nothing is left beside it, keeps it again if there is room.</summary>
    public static void Settle()
    {
        lock (s_gate)
            Look();
    }

    // While an object is mapped the room stays: it is for a moment.
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
        // Writable and private: that is what all three count. Nothing is ever written, so no page is taken.
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

    /// <summary>The limit that so much more passes, as the error that names it; null if the failure has another reason.</summary>
    /// <param name="errno">What mmap(2) said.</param>
    /// <param name="length">Bytes that were to be mapped.</param>
    public static QmpException? Refusal(Errno errno, ulong length) =>
        errno == Errno.ENOMEM && Tightest(Protection.Private) is { } limit && limit.Left < Math.Min(length, Most) + Least
            ? QmpErrors.LimitReached(limit.Name, limit.Value) : null;

    /// <summary>The limit because of which the runtime has just got no memory, as the error that names it; null if there is none.</summary>
    public static QmpException? Shortage()
    {
        var refusal = Refusal(Errno.ENOMEM, s_kept is null ? Kept : Least);
        Settle();
        return refusal;
    }

    /// <summary>
    /// The limit of this process with which no object could be made from now on, and what it must be at least; null for none. What other
    /// processes were promised may be free again the next moment.
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

    /// <summary>Looks after each collection: the runtime takes memory between them, not much at a time.</summary>
    sealed class AfterCollection
    {
        ~AfterCollection()
        {
            Settle();
            // A new one and not this: what has survived a collection is not looked at by the next.
            if (!Environment.HasShutdownStarted)
                _ = new AfterCollection();
        }
    }
}
