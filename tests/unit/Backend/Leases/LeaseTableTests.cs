using System.Diagnostics;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Backend.Leases;

public sealed class LeaseTableTests : IDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    readonly TestObjects _test = new();
    readonly StateLock _state;
    readonly LeaseTable _leases;
    readonly HostMemoryBackend _memory;
    readonly List<Process> _processes = [];
    readonly List<(string Mapping, LeaseEnd Reason)> _ended = [];
    readonly SemaphoreSlim _end = new(0);

    public LeaseTableTests()
    {
        (_state, _leases) = (_test.State, _test.Leases);
        _memory = new RamBackend(_test.Services, "m");
        _leases.Ended += (lease, reason) =>
        {
            _ended.Add((lease.Mapping, reason));
            _end.Release();
        };
    }

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }

    Process Sleeper()
    {
        var started = Process.Start("sleep", "600")!;
        _processes.Add(started);
        return started;
    }

    static SafeFileHandle PidfdOf(int pid)
    {
        Assert.Equal(Errno.None, Pidfd.Open(pid, out var fd));
        return fd!;
    }

    Lease Give(int pid, SafeFileHandle? pidfd = null)
    {
        using (_state.Enter())
            return _leases.Give(_memory, pid, pidfd ?? PidfdOf(pid), null, false);
    }

    void End(Lease lease)
    {
        using (_state.Enter())
            _leases.End(lease.Mapping);
    }

    static void Kill(Process process)
    {
        process.Kill();
        process.WaitForExit();
    }

    [Fact]
    public void Lease_LastsUntilItIsGivenBack()
    {
        var lease = Give(Environment.ProcessId);
        Assert.Same(lease, Assert.Single(_leases.Of(_memory)));

        End(lease);

        Assert.Empty(_leases.Of(_memory));
        Assert.Equal([(lease.Mapping, LeaseEnd.Unmap)], _ended);
        Assert.Equal($"mapping '{lease.Mapping}' not found", Assert.Throws<QmpException>(() => End(lease)).Message);
    }

    [Fact]
    public void EndOfTheProcess_EndsAllItsLeases_AndNoOthers()
    {
        var (dying, living) = (Sleeper(), Sleeper());
        var gone = new[] { Give(dying.Id), Give(dying.Id) };
        var stays = Give(living.Id);

        Kill(dying);
        Assert.True(_end.Wait(s_patience) && _end.Wait(s_patience));

        using (_state.Enter())
        {
            Assert.Same(stays, Assert.Single(_leases.All));
            Assert.Equal(gone.Select(l => (l.Mapping, LeaseEnd.Exit)).Order(), _ended.Order());
        }
    }

    [Fact]
    public void Names_AreNotUsedAgain()
    {
        var first = Give(Environment.ProcessId);
        End(first);
        Assert.NotEqual(first.Mapping, Give(Environment.ProcessId).Mapping);
    }

    [Fact]
    public void OneProcess_IsWatchedThroughOneDescriptor()
    {
        var (first, second) = (PidfdOf(Environment.ProcessId), PidfdOf(Environment.ProcessId));
        Give(Environment.ProcessId, first);
        Give(Environment.ProcessId, second);
        Assert.Equal((false, true), (first.IsClosed, second.IsClosed));
    }

    [Fact]
    public void DeadProcess_GetsNothing()
    {
        var dead = Sleeper();
        var pidfd = PidfdOf(dead.Id);
        Kill(dead);
        Assert.Equal($"process {dead.Id} cannot be watched: No such process", Assert.Throws<QmpException>(() => Give(dead.Id, pidfd)).Message);
        Assert.True(pidfd.IsClosed);
        Assert.Empty(_leases.All);
    }

    // Processes of other pid namespaces: all have the number 0.
    [Fact]
    public void ProcessesWithoutANumber_AreNotTakenForEachOther()
    {
        var (dying, living) = (Sleeper(), Sleeper());
        var gone = new[] { Give(Lease.Unnumbered, PidfdOf(dying.Id)), Give(Lease.Unnumbered, PidfdOf(dying.Id)) };
        var stays = Give(Lease.Unnumbered, PidfdOf(living.Id));
        // pidfs, since Linux 6.9.
        Assert.Equal(Pidfd.Identity(_leases.PidfdOf(stays)!) is null ? 3 : 2, _leases.BorrowerCount);

        Kill(dying);
        Assert.True(_end.Wait(s_patience) && _end.Wait(s_patience));

        using (_state.Enter())
        {
            Assert.Same(stays, Assert.Single(_leases.All));
            Assert.Equal(gone.Select(l => (l.Mapping, LeaseEnd.Exit)).Order(), _ended.Order());
            _leases.End(stays.Mapping);
            Assert.Empty(_leases.All);
        }
    }

    // A connection that was passed on: the process that made it is dead, and another process with its pid borrows too.
    [Fact]
    public void DeadProcess_WhosePidIsAnothers_GetsNothing()
    {
        var (dead, namesake) = (Sleeper(), Sleeper());
        var pidfd = PidfdOf(dead.Id);
        var theirs = Give(namesake.Id);
        Kill(dead);

        Assert.Throws<QmpException>(() => Give(namesake.Id, pidfd));

        Assert.True(pidfd.IsClosed);
        Assert.Same(theirs, Assert.Single(_leases.All));
        Kill(namesake);
        Assert.True(_end.Wait(s_patience));
    }

    // The watcher has not reported the end yet: the process that the table knows by the pid is dead.
    [Fact]
    public void LivingProcess_IsNotTakenForTheDeadOneWithItsNumber()
    {
        var (dead, living) = (Sleeper(), Sleeper());
        using (_state.Enter())
        {
            var old = _leases.Give(_memory, living.Id, PidfdOf(dead.Id), null, false);
            Kill(dead);
            var current = _leases.Give(_memory, living.Id, PidfdOf(living.Id), null, false);
            Assert.Same(current, Assert.Single(_leases.All));
            Assert.Equal([(old.Mapping, LeaseEnd.Exit)], _ended);
        }
    }
}
