using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
using HostMemd.Backend.Regions;
using HostMemd.Backend.Threads;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Memory;

/// <summary>
/// What all memory backends share: the properties, and the way from properties to memory: allocate, advise, bind, fill. Binding comes
/// before filling, so that pages land on the nodes that were asked for.
/// </summary>
public abstract partial class HostMemoryBackend : QomObject
{
    // Mapping this much, or giving it back filled, takes a fraction of a millisecond: little more than starting a thread.
    const ulong QuickBytes = 4 << 20;

    // Changes of one object's memory run one after the other, in the order of the commands. Other objects have gates of their own.
    readonly AsyncGate _changes = new();

    MemoryRegionObject? _regionObject;
    bool _prealloc;
    bool _isComplete;

    // The binding that the kernel has applied.
    NumaPolicy _bound;

    // What came from another process, until it is mapped.
    SafeFileHandle? _store;
    FileIdentity? _expected;
    bool _isRestored;

    protected HostMemoryBackend(QomClass type, BackendServices services, string id) : base(type, id)
    {
        Services = services;
        Merge = services.Machine.MemMerge;
        Dump = services.Machine.DumpGuestCore;
        PreallocThreads = services.Machine.Cpus;
        _prealloc = services.Machine.MemPrealloc;
    }

    protected BackendServices Services { get; }

    /// <summary>The memory; null until it is mapped.</summary>
    public MemoryRegion? Region { get; private set; }

    protected bool IsMapped => Region is not null;

    /// <summary>QEMU's name of the memory: the id, or the whole path.</summary>
    public string RegionName => UseCanonicalPath ? "/objects/" + Name : Name;

    /// <summary>Maps the memory.</summary>
    /// <exception cref="QmpException">The memory cannot be had; nothing is mapped, and no file that this object made is left.</exception>
    protected abstract MemoryRegion Allocate();

    /// <summary>Maps memory that another process had made.</summary>
    /// <param name="store">Its descriptor; the region takes it over.</param>
    /// <exception cref="QmpException">The memory cannot be had; the descriptor stays the caller's.</exception>
    protected abstract MemoryRegion Reallocate(SafeFileHandle store);

    /// <summary>Whether the size must be a multiple of the page size, as for all types but <c>memory-backend-ram</c>.</summary>
    protected virtual bool IsAligned => true;

    /// <summary>Called before the memory is unmapped; <paramref name="failed"/> if the object was never complete.</summary>
    protected virtual void Releasing(MemoryRegion? region, bool failed) { }

    // Mapping refuses a size that cannot be had; here the size must only not overflow the sum.
    internal override ulong Cost => Math.Min(Size, 1UL << 56);

    internal override (ulong Bytes, bool IsPrivate) Room => (Size, !Share);

    /// <summary>
    /// The descriptor through which another process can have this memory, or null: the memory has a path, or is private. It stays the
    /// object's.
    /// </summary>
    public virtual SafeFileHandle? StoreToKeep => Region is { Identity: not null } region ? region.File : null;

    public override ValueTask MapAsync() => MemoryWork.RunAsync(IsSlowToMap, Map);

    public override async ValueTask FillAsync(Waiter waiter)
    {
        if (Prealloc)
            await PreallocInTurnAsync(NewImplicitJob(), waiter).ConfigureAwait(false);
        _isComplete = true;
    }

    /// <summary>Opening a file may wait for a disk; large memory takes its time.</summary>
    protected virtual bool IsSlowToMap => Size > QuickBytes;

    void Map()
    {
        var region = Region = MapStore();
        if (IsAligned && Size % region.PageSize != 0)
            throw QmpErrors.SizeMultiple(Class.Name, ByteText.Of(region.PageSize));
        // As in QEMU an error is ignored. query-memdev-stats reports what the kernel made of the advice.
        region.Mapping.Advise(0, region.Mapping.Length, Mman.MADV_HUGEPAGE);
        region.Mapping.Advise(0, region.Mapping.Length, Mman.MADV_DONTFORK);
        if (Merge)
            region.Mapping.Advise(0, Size, Mman.MADV_MERGEABLE);
        if (!Dump)
            region.SetDumped(false, Size);
        var policy = new NumaPolicy(Policy, HostNodes);
        if (policy.Contradiction() is { } contradiction)
            throw contradiction;
        if (HostNodes.IsEmpty)
            return;
        Bind(policy, region);
        _bound = policy;
    }

    /// <summary>Called before <see cref="MapAsync"/> of an object that another process had made.</summary>
    /// <param name="store">The descriptor of its memory, taken over; null where the memory is found by path.</param>
    /// <param name="identity">What the file behind it must still be; null if not known.</param>
    internal void Restore(SafeFileHandle? store, FileIdentity? identity)
    {
        (_store, _expected, _isRestored) = (store, identity, true);
        // The memory is filled already: its pages are where they were.
        _isComplete = true;
    }

    /// <summary>Another process made the memory: a missing file must not be made anew.</summary>
    protected bool IsRestored => _isRestored;

    MemoryRegion MapStore()
    {
        if (!_isRestored)
            return Allocate();
        if (_store is null && _expected is null)
            throw QmpErrors.NotRestorable(Name);
        // An older version left memory sealable where vm.memfd_noexec is set. An error leaves it so.
        if (_store is not null)
            Memfd.EndSealing(_store);
        var region = _store is null ? Allocate() : Reallocate(_store);
        _store = null;
        if (_expected is null || region.Identity == _expected)
            return region;
        region.Dispose();
        throw QmpErrors.NotTheSameFile(Name);
    }

    static void Bind(NumaPolicy policy, MemoryRegion region)
    {
        // The kernel drops absent nodes silently if one of the nodes is online; if none is, mbind(2) fails.
        var online = Sysfs.OnlineNodes();
        int[] absent = [.. policy.Nodes.ToList().Select(n => (int)n).Except(online)];
        if (absent.Length > 0 && absent.Length < policy.Nodes.ToList().Count)
            throw QmpErrors.NodesNotOnline(absent);
        var errno = policy.Apply(region.Mapping);
        if (errno.Failed)
            throw QmpErrors.CannotBind(errno.Text);
    }

    public override void OnVisible()
    {
        _regionObject = new(this);
        _regionObject.Parent = this;
    }

    public override IEnumerable<QomObject> Children => _regionObject is null ? [] : [_regionObject];

    public override QomObject? FindLink(string name) => name == "prealloc-context" ? PreallocContext : null;

    public override async ValueTask ReleaseAsync()
    {
        StopJobs();
        using var turn = await _changes.EnterAsync().ConfigureAwait(false);
        var region = Region;
        await MemoryWork.RunAsync(IsSlowToMap, () =>
        {
            Releasing(region, failed: !_isComplete);
            region?.Dispose();
            _store?.Dispose();
        }).ConfigureAwait(false);
        using (Services.State.Enter())
            SetContext(null);
    }

    internal override void DiscardUnmapped() => SetContext(null);

    /// <summary>
    /// Runs a change of the memory in its turn. If the object is deleted before its turn comes, the client gets DeviceNotFound.
    /// </summary>
    async ValueTask ChangeAsync(Waiter waiter, bool slow, Action<MemoryRegion> change)
    {
        using var turn = await _changes.EnterAsync(waiter).ConfigureAwait(false);
        if (Region is not { Mapping.IsClosed: false } region)
            throw QmpErrors.DeviceNotFound(Path);
        // The caller holds the state, and even quick advice may wait for a step of a filling.
        await MemoryWork.RunOffCallerAsync(slow, () => change(region)).ConfigureAwait(false);
    }

    void Expect(Errno errno, string property, string adviceName)
    {
        if (errno.Ok)
            return;
        Log.AdviceFailed(Services.Logger, Name, adviceName, errno);
        throw QmpErrors.AdviceFailed(property, adviceName, errno.Text);
    }
}
