using HostMemd.Backend.Leases;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
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
    // Changes of one object's memory come one after the other, in the order of the commands; other objects are not concerned.
    readonly AsyncGate _changes = new();
    MemoryRegionObject? _regionObject;

    protected HostMemoryBackend(QomClass type, QomEnvironment environment, string id) : base(type, id)
    {
        Environment = environment;
        Merge = environment.Machine.MemMerge;
        Dump = environment.Machine.DumpGuestCore;
        PreallocThreads = environment.Machine.Cpus;
        _prealloc = environment.Machine.MemPrealloc;
    }

    protected QomEnvironment Environment { get; }

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

    internal override (ulong Bytes, bool IsPrivate) Room => (Size, !Share);

    public override ValueTask CompleteAsync() => Off.LoopAsync(IsSlowToMap, Map);

    public override async ValueTask FinishAsync()
    {
        if (Prealloc)
            await PreallocInTurnAsync(NewImplicitJob()).ConfigureAwait(false);
        _complete = true;
    }

    bool _complete;

    // This much is mapped, or given back full, in a fraction of a millisecond: little more than a thread takes to start.
    const ulong QuickBytes = 4 << 20;

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

    // What came from another process, until it is mapped.
    SafeFileHandle? _store;
    FileIdentity? _expected;
    bool _restored;

    internal override void Restore(SafeFileHandle? store, FileIdentity? identity)
    {
        (_store, _expected, _restored) = (store, identity, true);
        // Filled is filled: the pages are where they were.
        _complete = true;
    }

    /// <summary>Made by another process: a file that is missing is not to be made anew.</summary>
    protected bool IsRestored => _restored;

    MemoryRegion MapStore()
    {
        if (!_restored)
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

    public override void Adopted()
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
        await Off.LoopAsync(IsSlowToMap, () =>
        {
            Releasing(region, failed: !_complete);
            region?.Dispose();
            _store?.Dispose();
        }).ConfigureAwait(false);
        using (Environment.State.Enter())
            SetContext(null);
    }

    internal override void Abandon() => SetContext(null);

    /// <summary>
    /// Runs a change of the memory in its turn. The object may be deleted before its turn comes; it is then not found.
    /// </summary>
    async ValueTask ChangeAsync(bool slow, Action<MemoryRegion> change)
    {
        using var turn = await _changes.EnterAsync().ConfigureAwait(false);
        if (Region is not { Mapping.IsClosed: false } region)
            throw QmpErrors.DeviceNotFound(Path);
        // Even quick advice may wait for a step of a filling, and the caller holds the state.
        await Off.CallerAsync(slow, () => change(region)).ConfigureAwait(false);
    }

    void Expect(Errno errno, string property, string adviceName)
    {
        if (errno.Ok)
            return;
        Log.AdviceFailed(Environment.Logger, Name, adviceName, errno);
        throw QmpErrors.AdviceFailed(property, adviceName, errno.Text);
    }
}
