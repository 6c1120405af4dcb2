using System.Collections.Concurrent;
using HostMemd.Linux;
using Xunit.Abstractions;

namespace HostMemd.Faulty;

/// <summary>
/// Every system call of a restore and of a takeover fails in turn. A restore never stops the start: what cannot be had is logged, and the
/// next start has it. A takeover is whole or does not happen.
/// </summary>
[Collection(nameof(HostMemd.Unit.Linux.FaultsTests))]
public sealed class RestoreInjectionTests(ITestOutputHelper output) : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hostmemd-faults-").FullName;
    readonly List<string> _wrong = [];
    int _tries;

    [Fact]
    public void Restore_LogsWhatItCannotHave_AndTheNextStartHasIt()
    {
        var stored = Handing.Store(_folder);
        var before = Held();
        Restore(stored).Dispose();
        Restore(stored, () => Faults.Seen = []).Dispose();
        var calls = Sampling.Of(Taken());

        foreach (var (call, nth, errno) in Sampling.Faults(calls))
        {
            var what = $"{call} #{nth} {errno.Name}";
            var daemon = Restore(stored, () => Faults.Arm(call, nth, errno));
            Faults.Clear();
            var missing = Handing.Objects.Except(daemon.Objects());
            _wrong.AddRange(missing.Where(id => !Warned(daemon, id, "state"))
                .Select(id => $"{what}: {id} is missing and no warning names it"));
            // ESRCH is the one failure that means that there is nothing to restore.
            if (errno != Errno.ESRCH && Handing.Leases(daemon).Length == 0 && !Warned(daemon, "map1", "memfd", "state"))
                _wrong.Add($"{what}: the lease is missing and no warning names it");
            before = End(what, call, daemon, before);

            using var next = Restore(stored);
            if (!next.Objects().SequenceEqual(Handing.Objects) || Handing.Leases(next) is not ["map1 of memfd"])
                _wrong.Add($"{what}: the next start has "
                    + $"{string.Join(' ', next.Objects())}, leases {string.Join(' ', Handing.Leases(next))}");
        }
        foreach (var one in stored)
            one.Handle.Dispose();
        Conclude(calls);
    }

    [Fact]
    public void Takeover_IsWhole_OrDoesNotHappen()
    {
        var running = TakenOver(Handing.Start(_folder));
        Faults.Seen = [];
        running = TakenOver(running);
        var calls = Sampling.Of(Taken());

        foreach (var (call, nth, errno) in Sampling.Faults(calls))
        {
            var what = $"{call} #{nth} {errno.Name}";
            var before = Held();
            Faults.Arm(call, nth, errno);
            var (next, reason) = Handing.TakeOver(running);
            Faults.Clear();
            if (next is null)
            {
                if (reason.Length == 0 || reason.Contains("internal error", StringComparison.Ordinal))
                    _wrong.Add($"{what}: reported '{reason}'");
                CheckWhole(what + ": the running one", running);
                next = Handing.TakeOver(running).Next;
                if (next is null)
                {
                    _wrong.Add($"{what}: '{reason}', and the next try fails too");
                    continue;
                }
            }
            // To the daemon that means that the process is gone, and its lease with it.
            if (errno == Errno.ESRCH && Handing.Leases(next).Length == 0)
                Handing.Lend(next);
            CheckWhole(what + ": the next one", next);
            End(what, call, running, before);
            running = next;
        }
        running.DeleteAll();
        running.Dispose();
        Conclude(calls);
    }

    static ConcurrentQueue<string> Taken()
    {
        var seen = Faults.Seen!;
        Faults.Seen = null;
        return seen;
    }

    FaultyDaemon Restore(Systemd.PassedDescriptor[] stored, Action? before = null)
    {
        var daemon = new FaultyDaemon(_folder);
        var passed = Handing.Duplicate(stored);
        before?.Invoke();
        daemon.Daemon.RestoreAsync(passed, fromStore: true).GetAwaiter().GetResult();
        return daemon;
    }

    static FaultyDaemon TakenOver(FaultyDaemon running)
    {
        var (next, reason) = Handing.TakeOver(running);
        Assert.True(next is not null, reason);
        running.Dispose();
        return next;
    }

    static bool Warned(FaultyDaemon daemon, params string[] words) =>
        daemon.Warnings.Any(line => words.Any(word => line.Contains(word, StringComparison.Ordinal)));

    void CheckWhole(string name, FaultyDaemon daemon)
    {
        if (!daemon.Objects().SequenceEqual(Handing.Objects) || Handing.Leases(daemon) is not ["map1 of memfd"])
            _wrong.Add($"{name} has {string.Join(' ', daemon.Objects())}, "
                + $"leases {string.Join(' ', Handing.Leases(daemon))}; {string.Join('\n', daemon.Warnings)}");
    }

    // Threads end in their own time, and are looked at elsewhere.
    string Held() => Footprint.WithoutThreads(Footprint.Of(_folder));

    /// <returns>The footprint to compare with from here on: what could not be released stays.</returns>
    string End(string what, string call, FaultyDaemon daemon, string before)
    {
        _tries++;
        _wrong.AddRange(daemon.Errors.Select(e => $"{what}: logged {e}"));
        daemon.Dispose();
        var left = Held();
        if (left != before && !Errnos.IsRelease(call))
            _wrong.Add($"{what}: before:\n{before}\nleft behind:\n{left}");
        return left;
    }

    void Conclude((string Call, int Count)[] calls)
    {
        output.WriteLine($"{_tries} tries: {string.Join(' ', calls.Select(c => $"{c.Call}*{c.Count}"))}");
        Assert.True(_wrong.Count == 0, $"{_wrong.Count} of {_tries}:\n{string.Join("\n", _wrong.Take(25))}");
        Assert.True(_tries > 0);
    }

    public void Dispose()
    {
        Faults.Clear();
        Faults.Seen = null;
        Directory.Delete(_folder, recursive: true);
    }
}
