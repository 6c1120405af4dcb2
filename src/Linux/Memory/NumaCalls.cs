using System.Runtime.InteropServices;

namespace HostMemd.Linux;

/// <summary>
/// mbind(2), get_mempolicy(2), set_mempolicy(2), move_pages(2), by number: libnuma is not needed for four calls.
/// For every mask that a caller passes, maxnode is the highest node + 2, because the kernel ignores the last bit that maxnode covers.
/// </summary>
public static unsafe partial class NumaCalls
{
#pragma warning disable CS1591 // mbind(2), get_mempolicy(2)
    public const int MPOL_DEFAULT = 0;
    public const int MPOL_PREFERRED = 1;
    public const int MPOL_BIND = 2;
    public const int MPOL_INTERLEAVE = 3;
    public const int MPOL_LOCAL = 4;
    public const int MPOL_PREFERRED_MANY = 5;
    public const int MPOL_WEIGHTED_INTERLEAVE = 6;
    public const int MPOL_F_STATIC_NODES = 0x8000;
    public const int MPOL_F_RELATIVE_NODES = 0x4000;
    public const uint MPOL_F_NODE = 0x1;
    public const uint MPOL_F_ADDR = 0x2;
    public const uint MPOL_F_MEMS_ALLOWED = 0x4;
    public const uint MPOL_MF_STRICT = 0x1;
    public const uint MPOL_MF_MOVE = 0x2;
    public const uint MPOL_MF_MOVE_ALL = 0x4;
#pragma warning restore CS1591

    public const int NodeWords = 16; // 1024 nodes, the most Linux can be configured for (CONFIG_NODES_SHIFT 10)
    const int PagesPerStep = 512; // 4 KiB of stack

    static readonly Lazy<bool> s_hasPreferredMany = new(ProbePreferredMany, LazyThreadSafetyMode.PublicationOnly);

    /// <summary>Whether mbind(2) takes MPOL_PREFERRED_MANY (Linux 5.15), asked once with a scratch page: a version number
    /// knows nothing of seccomp filters and backports.</summary>
    public static bool HasPreferredMany => s_hasPreferredMany.Value;

    /// <summary>The calling thread's policy, or what <paramref name="flags"/> ask for: get_mempolicy(2).</summary>
    /// <param name="mode">MPOL_*, with its mode flags.</param>
    /// <param name="mask">Receives the nodes; at least as many bits as the machine may have nodes.</param>
    /// <param name="flags">0 or MPOL_F_MEMS_ALLOWED.</param>
    /// <returns>EINVAL for a mask too short, ENOSYS without NUMA, EPERM by a filter.</returns>
    public static Errno GetPolicy(out int mode, Span<ulong> mask, uint flags) => GetPolicy(out mode, mask, 0, flags);

    /// <summary>The nodes this thread may allocate from, after cpusets: get_mempolicy(2), MPOL_F_MEMS_ALLOWED.</summary>
    /// <param name="nodes">Ascending; empty on failure.</param>
    /// <returns>As <see cref="GetPolicy(out int, Span{ulong}, uint)"/>.</returns>
    public static Errno AllowedNodes(out int[] nodes)
    {
        nodes = [];
        Span<ulong> mask = stackalloc ulong[NodeWords];
        var error = GetPolicy(out _, mask, MPOL_F_MEMS_ALLOWED);
        if (error.Ok)
            nodes = BitList.FromMask(mask);
        return error;
    }

    /// <summary>A policy as numa_maps writes it, <c>bind:0-1</c> or <c>default</c>: mpol_to_str() of the kernel.</summary>
    /// <param name="mode">MPOL_*, with its mode flags.</param>
    /// <param name="mask">The nodes.</param>
    /// <returns>Null for one that is not known here.</returns>
    public static string? PolicyText(int mode, ReadOnlySpan<ulong> mask)
    {
        var name = mode switch
        {
            MPOL_DEFAULT => "default",
            MPOL_PREFERRED => "prefer",
            MPOL_BIND => "bind",
            MPOL_INTERLEAVE => "interleave",
            MPOL_LOCAL => "local",
            MPOL_PREFERRED_MANY => "prefer (many)",
            MPOL_WEIGHTED_INTERLEAVE => "weighted interleave",
            _ => null,
        };
        return name is null || mask.IndexOfAnyExcept(0ul) < 0 ? name : $"{name}:{BitList.Text(BitList.FromMask(mask))}";
    }

    /// <summary>Sets the calling thread's policy: set_mempolicy(2).</summary>
    /// <param name="mode">MPOL_*.</param>
    /// <param name="mask">Bit n is node n.</param>
    /// <param name="maxnode">The highest node + 2, or 0 for none.</param>
    /// <returns>EINVAL, ENOSYS, EPERM: set_mempolicy(2).</returns>
    public static Errno SetPolicy(int mode, ReadOnlySpan<ulong> mask, ulong maxnode)
    {
        if (!Covers(mask, maxnode))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(set_mempolicy), out var error))
            return error;
        fixed (ulong* p = mask)
            return set_mempolicy(Syscalls.SYS_set_mempolicy, mode, maxnode == 0 ? null : p, (nuint)maxnode) == 0 ? Errno.None : Errno.Last;
    }

    internal static Errno GetPolicy(out int mode, Span<ulong> mask, nint address, uint flags)
    {
        mode = 0;
        if (Faults.Hit(nameof(get_mempolicy), out var error))
            return error;
        int found;
        fixed (ulong* p = mask)
        {
            if (get_mempolicy(Syscalls.SYS_get_mempolicy, &found, p, (nuint)mask.Length * 64, address, flags) != 0)
                return Errno.Last;
        }
        mode = found;
        return Errno.None;
    }

    internal static Errno Bind(nint address, ulong length, int mode, ReadOnlySpan<ulong> mask, ulong maxnode, uint flags)
    {
        if (!Covers(mask, maxnode))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(mbind), out var error))
            return error;
        fixed (ulong* p = mask)
        {
            var nodes = maxnode == 0 ? null : p;
            return mbind(Syscalls.SYS_mbind, address, (nuint)length, mode, nodes, (nuint)maxnode, flags) == 0 ? Errno.None : Errno.Last;
        }
    }

    internal static Errno NodesOf(nint address, ulong pageSize, Span<int> statuses)
    {
        var pages = stackalloc nint[PagesPerStep];
        for (var done = 0; done < statuses.Length;)
        {
            var count = Math.Min(PagesPerStep, statuses.Length - done);
            for (var i = 0; i < count; i++)
                pages[i] = address + (nint)((ulong)(done + i) * pageSize);
            if (Faults.Hit(nameof(move_pages), out var error))
                return error;
            fixed (int* p = statuses[done..])
            {
                if (move_pages(Syscalls.SYS_move_pages, 0, (nuint)count, pages, null, p, 0) < 0)
                    return Errno.Last;
            }
            done += count;
        }
        return Errno.None;
    }

    // mbind(2) says that a maxnode of 0 is an empty set. The kernel takes 1 off and calls the result too large (EINVAL), unless the
    // pointer is null: hence the null pointers above.
    // The kernel reads as many words as maxnode - 1 bits need; it must find them all in the caller's span.
    static bool Covers(ReadOnlySpan<ulong> mask, ulong maxnode) => maxnode <= 1 || (maxnode - 2) / 64 < (ulong)mask.Length;

    static bool ProbePreferredMany()
    {
        if (AllowedNodes(out var nodes).Failed || nodes.Length == 0)
            return false;
        MapRequest page = new() { Length = Host.PageSize, Flags = Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS };
        if (MappedMemory.Map(page, out var scratch).Failed)
            return false;
        using (scratch)
        {
            Span<ulong> mask = stackalloc ulong[NodeWords];
            mask[nodes[0] / 64] = 1ul << (nodes[0] % 64);
            return scratch!.Bind(MPOL_PREFERRED_MANY, mask, (ulong)nodes[0] + 2, 0).Ok;
        }
    }

    [LibraryImport(Libc.Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint mbind(nint number, nint address, nuint length, nint mode, ulong* mask, nuint maxnode, nuint flags);

    [LibraryImport(Libc.Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint set_mempolicy(nint number, nint mode, ulong* mask, nuint maxnode);

    [LibraryImport(Libc.Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint get_mempolicy(nint number, int* mode, ulong* mask, nuint maxnode, nint address, nuint flags);

    [LibraryImport(Libc.Name, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint move_pages(nint number, nint pid, nuint count, nint* pages, int* nodes, int* status, nint flags);
}
