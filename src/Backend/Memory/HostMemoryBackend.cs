using HostMemd.Backend.Qom;
using HostMemd.Backend.Regions;
using HostMemd.Backend.Threads;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Memory;

/// <summary>
/// What all memory backends share: the properties, and the way from properties to memory — allocate, advise, bind, preallocate.
/// Binding comes before filling, so that pages land where they were asked for.
/// </summary>
public abstract partial class HostMemoryBackend : QomObject
{
    // This much is mapped, or given back full, in a fraction of a millisecond: little more than a thread takes to start.
    const ulong QuickBytes = 4 << 20;

    // Changes of one object's memory come one after the other, in the order of the commands; other objects are not concerned.
    readonly AsyncGate _changes = new();

    MemoryRegionObject? _regionObject;
    bool _prealloc;
    bool _isComplete;

    // What the kernel has bound the memory to.
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

    /// <summary>How QEMU calls the memory: the id, or the whole path.</summary>
    public string RegionName => UseCanonicalPath ? "/objects/" + Name : Name;

    /// <summary>Maps the memory.</summary>
    /// <exception cref="QmpException">It cannot be had; nothing is mapped, and no file of our making is left.</exception>
    protected abstract MemoryRegion Allocate();

    /// <summary>Maps memory that another process had made.</summary>
    /// <param name="store">Its descriptor; the region takes it over.</param>
    /// <exception cref="QmpException">It cannot be had; the descriptor stays the caller's.</exception>
    protected abstract MemoryRegion Reallocate(SafeFileHandle store);

    /// <summary>Whether the size must be a multiple of the page size, as for all types but <c>memory-backend-ram</c>.</summary>
    protected virtual bool IsAligned => true;

    /// <summary>Called before the memory is unmapped; <paramref name="failed"/> if the object was never complete.</summary>
    protected virtual void Releasing(MemoryRegion? region, bool failed) { }

    // A size that cannot be had is refused when it is mapped; here it must only not overflow the sum.
    internal override ulong Cost => Math.Min(Size, 1UL << 56);

    internal override (ulong Bytes, bool IsPrivate) Room => (Size, !Share);

    /// <summary>
    /// The descriptor through which another process can have this memory, or null: the memory has a path, or is private. It stays the
    /// object's.
    /// </summary>
    public virtual SafeFileHandle? StoreToKeep => Region is { Identity: not null } region ? region.File : null;

    public override ValueTask MapAsync() => MemoryWork.RunAsync(IsSlowToMap, Map);

    public override async ValueTask FillAsync()
    {
        if (Prealloc)
            await PreallocInTurnAsync(NewImplicitJob()).ConfigureAwait(false);
        _isComplete = true;
    }

    /// <summary>Opening a file may wait for a disk; large memory takes its time.</summary>
    protected virtual bool IsSlowToMap => Size > QuickBytes;

    void Map()
    {
        var region = Region = MapStore();
        if (IsAligned && Size % region.PageSize != 0)
            throw QmpErrors.SizeMultiple(Class.Name, ByteText.Of(region.PageSize));
        // Advice is advice: QEMU ignores what comes of it, and query-memdev-stats tells what the kernel made of it.
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
        // Filled is filled: the pages are where they were.
        _isComplete = true;
    }

    /// <summary>Made by another process: a file that is missing is not to be made anew.</summary>
    protected bool IsRestored => _isRestored;

    MemoryRegion MapStore()
    {
        if (!_isRestored)
            return Allocate();
        if (_store is null && _expected is null)
            throw QmpErrors.NotRestorable(Name);
        // An older version left memory sealable where vm.memfd_noexec is set. Without this it is no worse than it was.
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
        // The kernel drops absent nodes silently when one is there; that none is there it says itself.
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
    /// Runs a change of the memory in its turn. The object may be deleted before its turn comes; it is then not found.
    /// </summary>
    async ValueTask ChangeAsync(bool slow, Action<MemoryRegion> change)
    {
        using var turn = await _changes.EnterAsync().ConfigureAwait(false);
        if (Region is not { Mapping.IsClosed: false } region)
            throw QmpErrors.DeviceNotFound(Path);
        // Even quick advice may wait for a step of a filling, and the caller holds the state.
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
