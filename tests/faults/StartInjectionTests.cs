using HostMemd.Config;
using HostMemd.Linux;
using HostMemd.Start;
using HostMemd.Takeover;
using HostMemd.Unit.Linux;
using Xunit.Abstractions;

namespace HostMemd.Faulty;

/// <summary>Every system call of what a start does fails in turn: it is told in one line, nothing is left, and the next try works.</summary>
[Collection(nameof(FaultsTests))]
public sealed class StartInjectionTests(ITestOutputHelper output) : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hostmemd-faults-").FullName;
    readonly List<string> _wrong = [];

    string At(string name) => Path.Combine(_folder, name);

    static readonly AccessOptions s_owned = new() { SocketOwner = Posix.geteuid() };

    static readonly Dictionary<string, Action<StartInjectionTests, OwnedFiles>> s_operations = new()
    {
        ["socket"] = (test, owned) => QmpSocket.Listen(test.At("qmp.sock"), s_owned, owned).Dispose(),
        ["stale socket"] = (test, owned) =>
        {
            // Its listener is gone, its file is not.
            Shim.Arm("", 0, Errno.None);
            QmpSocket.Listen(test.At("qmp.sock"), s_owned, new()).Dispose();
            test.Rearm();
            QmpSocket.Listen(test.At("qmp.sock"), s_owned, owned).Dispose();
        },
        ["directory"] = (test, owned) => owned.MakeDirectory(test.At("made"), 0x1C0),
        ["pid file"] = (test, owned) => PidFile.Create(test.At("pid"), owned).Dispose(),
        ["pair"] = (_, _) =>
        {
            var (ours, theirs) = SocketPair.Create();
            ours.Dispose();
            theirs.Dispose();
        },
    };

    public static TheoryData<string> Names => new(s_operations.Keys);

    (string Call, int Nth, Errno Errno) _armed = ("", 0, Errno.None);

    void Rearm() => Shim.Arm(_armed.Call, _armed.Nth, _armed.Errno);

    [TheoryIf(Need.Compiler), MemberData(nameof(Names))]
    public void EveryCallOfTheStartThatFails_IsToldAndUndone(string name)
    {
        Try(name);
        var calls = Shim.Calls.Select(c => (c.Call, c.Errnos, Count: Shim.Count(c.Call))).Where(c => c.Count > 0).ToArray();
        Assert.NotEmpty(calls);
        var tries = 0;

        foreach (var (call, errnos, count) in calls)
        {
            foreach (var (nth, errno) in Enumerable.Range(1, count).SelectMany(n => errnos.Select(e => (n, e))))
            {
                tries++;
                _armed = (call, nth, errno);
                var what = $"{name}: {call} #{nth} {errno.Name}";
                if (Try(name) is { } told && (told.Length == 0 || told.Contains('\n', StringComparison.Ordinal)))
                    _wrong.Add($"{what}: told '{told}'");
                _armed = ("", 0, Errno.None);
                Rearm();
                var left = Directory.GetFileSystemEntries(_folder);
                // What cannot be removed stays; and what is somebody else's, as a pid file that cannot be locked may be.
                if (left.Length > 0 && call is not ("unlink" or "fcntl") && name != "stale socket")
                    _wrong.Add($"{what}: left {string.Join(' ', left)}");
                foreach (var file in left)
                    File.Delete(file);
                if (Try(name) is { } again)
                    _wrong.Add($"{what}: and the next try: {again}");
            }
        }

        output.WriteLine($"{name}: {tries} tries, {string.Join(' ', calls.Select(c => $"{c.Call}*{c.Count}"))}");
        Assert.True(_wrong.Count == 0, string.Join('\n', _wrong));
    }

    // Null: it worked.
    string? Try(string name)
    {
        var owned = new OwnedFiles();
        var open = Directory.GetFileSystemEntries("/proc/self/fd").Length;
        string? told = null;
        Rearm();
        try
        {
            s_operations[name](this, owned);
        }
        catch (StartException refusal)
        {
            told = refusal.Message;
        }
        owned.Remove(directories: true);
        var after = Directory.GetFileSystemEntries("/proc/self/fd").Length;
        if (after != open)
            _wrong.Add($"{name}: {_armed}: {open} descriptors before, {after} after");
        return told;
    }

    public void Dispose()
    {
        Shim.Arm("", 0, Errno.None);
        Directory.Delete(_folder, recursive: true);
    }
}
