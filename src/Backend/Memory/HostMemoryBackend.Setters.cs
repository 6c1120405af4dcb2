using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Regions;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Backend.Memory;

// The setters. They are called with the state held; the part that moves memory runs without it, in its turn.
public abstract partial class HostMemoryBackend
{
    public ulong Size { get; private set; }
    public bool Share { get; protected set; }
    public bool Reserve { get; private set; } = true;
    public bool Merge { get; private set; }
    public bool Dump { get; private set; }
    public uint PreallocThreads { get; private set; }
    public HostMemPolicy Policy { get; private set; }
    public NodeSet HostNodes { get; private set; }
    public bool UseCanonicalPath { get; private set; }
    public ThreadContext? PreallocContext { get; private set; }

    /// <summary>Whether the memory is filled ahead of use. Always true under the forced preallocation of QEMU 2016.</summary>
    public bool Prealloc => _prealloc || Services.Machine.MemPrealloc;

    void SetSize(ulong size)
    {
        if (size == 0)
            throw QmpErrors.PropertyDoesNotTake(Class.Name, "size", "0");
        Size = size;
    }

    void SetShare(bool share)
    {
        if (IsMapped)
            throw QmpErrors.CannotChange();
        Share = share;
    }

    void SetReserve(bool reserve)
    {
        if (IsMapped)
            throw QmpErrors.CannotChange();
        if (Prealloc && !reserve)
            throw QmpErrors.PreallocWithoutReserve();
        Reserve = reserve;
    }

    ValueTask SetMerge(bool merge, Waiter waiter)
    {
        // MADV_MERGEABLE is EINVAL where the kernel was built without KSM (madvise(2)).
        if (merge && !Host.HasMadvise(Mman.MADV_MERGEABLE))
            throw QmpErrors.MergingNotSupported();
        if (!IsMapped)
        {
            Merge = merge;
            return default;
        }
        // Unmerging copies the pages, which takes time.
        return ChangeAsync(waiter, slow: !merge, region =>
        {
            if (merge == Merge)
                return;
            if (Host.HasMadvise(Mman.MADV_MERGEABLE))
            {
                var errno = region.Mapping.Advise(0, Size, merge ? Mman.MADV_MERGEABLE : Mman.MADV_UNMERGEABLE);
                Expect(errno, "merge", merge ? nameof(Mman.MADV_MERGEABLE) : nameof(Mman.MADV_UNMERGEABLE));
            }
            Merge = merge;
        });
    }

    ValueTask SetDump(bool dump, Waiter waiter)
    {
        if (!dump && !Host.HasMadvise(Mman.MADV_DONTDUMP))
            throw QmpErrors.DumpNotSupported();
        if (!IsMapped)
        {
            Dump = dump;
            return default;
        }
        return ChangeAsync(waiter, slow: false, region =>
        {
            if (dump == Dump)
                return;
            if (Host.HasMadvise(Mman.MADV_DONTDUMP))
                Expect(region.SetDumped(dump, Size), "dump", dump ? nameof(Mman.MADV_DODUMP) : nameof(Mman.MADV_DONTDUMP));
            Dump = dump;
        });
    }

    ValueTask SetPrealloc(bool prealloc, Waiter waiter)
    {
        if (Services.Machine.MemPrealloc && prealloc)
            throw QmpErrors.ForcedPrealloc();
        if (prealloc && !Reserve)
            throw QmpErrors.PreallocWithoutReserve();
        if (!IsMapped)
        {
            _prealloc = prealloc;
            return default;
        }
        // Filled memory stays filled: QEMU accepts false and does nothing.
        return prealloc && !_prealloc ? new(PreallocInTurnAsync(NewImplicitJob(), waiter)) : default;
    }

    void SetPreallocThreads(uint threads)
    {
        if (threads == 0)
            throw QmpErrors.PropertyDoesNotTake(Class.Name, "prealloc-threads", "0");
        PreallocThreads = threads;
    }

    void SetPreallocContext(string path)
    {
        if (path.Length == 0)
        {
            SetContext(null);
            return;
        }
        var target = Services.Tree.Resolve(path);
        SetContext(target as ThreadContext
            ?? throw QmpErrors.InvalidParameterType("prealloc-context", ThreadContext.ContextClass.Name));
    }

    void SetContext(ThreadContext? context)
    {
        Services.State.AssertHeld();
        context?.AddUser();
        PreallocContext?.RemoveUser();
        PreallocContext = context;
    }

    // A deleted context keeps its thread while objects link to it, but has no path any more.
    string ContextPath => PreallocContext is { IsDeleted: false } context ? context.Path : "";

    ValueTask SetPolicy(HostMemPolicy policy, Waiter waiter)
    {
        if (policy != HostMemPolicy.Default && !Host.HasNuma)
            throw QmpErrors.NumaPolicyNotSupported();
        if (!IsMapped)
        {
            Policy = policy;
            return default;
        }
        return RebindAsync(waiter, () => new(policy, HostNodes));
    }

    ValueTask SetHostNodes(IReadOnlyList<ushort> nodes, Waiter waiter)
    {
        if (nodes.Count > 0 && !Host.HasNuma)
            throw QmpErrors.NumaNodesNotSupported();
        var set = NodeSet.Of(nodes);
        if (!IsMapped)
        {
            HostNodes = set;
            return default;
        }
        return RebindAsync(waiter, () => new(Policy, set));
    }

    // A client sets one of the two at a time, so in between they may contradict each other: the binding then stays as it is.
    ValueTask RebindAsync(Waiter waiter, Func<NumaPolicy> wanted) => ChangeAsync(waiter, slow: true, region =>
    {
        var next = wanted();
        if (next.Contradiction() is null && next != _bound)
        {
            Bind(next, region);
            _bound = next;
        }
        (Policy, HostNodes) = (next.Policy, next.Nodes);
    });
}
