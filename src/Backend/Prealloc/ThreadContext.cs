using HostMemd.Backend.Qom;
using HostMemd.Backend.Threads;
using HostMemd.Linux;
using HostMemd.Qapi;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Backend.Prealloc;

/// <summary>
/// <c>thread-context</c>: a thread that does nothing but have an affinity. Fillings that name the context use the CPUs that the thread
/// has at the time, so that a manager may also pin <c>thread-id</c> from outside.
/// </summary>
public sealed class ThreadContext : QomObject
{
    public static QomClass ContextClass { get; } = new("thread-context", BaseClass, new PropertyTable<ThreadContext>()
        .Row("cpu-affinity", ListOf(U16), null, t => t.Affinity(), (t, v) => t.SetCpus(v),
            note: "The CPUs of the threads that fill memory in this context.")
        .Row("node-affinity", ListOf(U16), null, get: null, (t, v) => t.SetNodes(v),
            note: "The NUMA nodes whose CPUs the threads use.")
        .Row("thread-id", Int, null, t => t._tid, set: null, note: "The kernel's id of the context's own thread.")
        .Rows)
    {
        IsCreatable = true,
    };

    const int StackBytes = 128 << 10;

    readonly ManualResetEventSlim _end = new();
    IReadOnlyList<ushort>? _initialCpus, _initialNodes;
    int _tid;
    int _users;

    internal ThreadContext(string id) : base(ContextClass, id) { }

    /// <summary>The context is deleted. Its thread lives until the last backend that links to it is gone, as in QEMU.</summary>
    public bool IsDeleted { get; private set; }

    internal void AddUser() => _users++;

    internal void RemoveUser()
    {
        if (--_users == 0 && IsDeleted)
            _end.Set();
    }

    /// <summary>The CPUs the thread may use now, or null if the kernel does not say. Any thread may ask.</summary>
    internal int[]? CurrentCpus() => Sched.GetAffinity(_tid, out var cpus).Ok ? cpus : null;

    // The stack, the stack for signals (CoreCLR has one for each thread, Native AOT none), and a guard page for either: sigaltstack(2).
    internal override ulong MostMappings => 4;

    // The stacks, and the memory that libc keeps for each thread.
    internal override (ulong Bytes, bool IsPrivate) Room => (1 << 20, true);

    public override async ValueTask MapAsync()
    {
        var started = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        // The spare thread cannot stand in: a manager pins this one.
        if (!OwnThread.TryStart("TC", () => Live(started), StackBytes))
            throw QmpErrors.NoThread(ThreadLimits.Describe());
        _tid = await started.Task.ConfigureAwait(false);
        if (_initialCpus is not null)
            Pin(Cpus(_initialCpus));
        else if (_initialNodes is not null)
            Pin(CpusOf(_initialNodes));
    }

    void Live(TaskCompletionSource<int> started)
    {
        // prctl(2), PR_SET_NAME: 15 bytes and no more.
        var name = "TC " + Name;
        Sched.NameThread(name.Length > 15 ? name[..15] : name);
        started.SetResult(Sched.GetTid());
        _end.Wait();
    }

    public override ValueTask ReleaseAsync()
    {
        IsDeleted = true;
        if (_users == 0)
            _end.Set();
        return default;
    }

    IReadOnlyList<ushort> Affinity()
    {
        var errno = Sched.GetAffinity(_tid, out var cpus);
        if (errno.Failed)
            throw QmpErrors.AffinityUnknown(errno.Text);
        return [.. cpus.Select(c => (ushort)c)];
    }

    void SetCpus(IReadOnlyList<ushort> cpus)
    {
        if (_tid == 0)
        {
            if (_initialNodes is not null)
                throw QmpErrors.MixedAffinity();
            _initialCpus = cpus.Count > 0 ? cpus : throw QmpErrors.CpuListEmpty();
            return;
        }
        Pin(Cpus(cpus));
    }

    void SetNodes(IReadOnlyList<ushort> nodes)
    {
        if (_tid == 0)
        {
            if (_initialCpus is not null)
                throw QmpErrors.MixedAffinity();
            _initialNodes = nodes.Count > 0 ? nodes : throw QmpErrors.NodeListEmpty();
            return;
        }
        Pin(CpusOf(nodes));
    }

    static int[] Cpus(IReadOnlyList<ushort> cpus) =>
        cpus.Count > 0 ? [.. cpus.Select(c => (int)c)] : throw QmpErrors.CpuListEmpty();

    static int[] CpusOf(IReadOnlyList<ushort> nodes)
    {
        if (nodes.Count == 0)
            throw QmpErrors.NodeListEmpty();
        // Unknown nodes are ignored if one of the nodes has CPUs.
        int[] cpus = [.. nodes.Distinct().SelectMany(n => Sysfs.NodeCpus(n)).Distinct()];
        return cpus.Length > 0 ? cpus : throw QmpErrors.NoCpusSelected();
    }

    void Pin(int[] cpus)
    {
        var errno = Sched.SetAffinity(_tid, cpus);
        if (errno.Failed)
            throw QmpErrors.AffinityFailed(errno.Text);
    }
}
